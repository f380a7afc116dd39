/// <reference types="vite/client" />

// Set by vite.config.ts, which knows the defaults and refuses what is wrong.
interface ImportMetaEnv {
  readonly VITE_MODE: 'forward' | 'return';
  readonly VITE_API_URL: string;
  readonly VITE_TOKEN_ENDPOINT: string;
  readonly VITE_DROPBOX_API_URL: string;
  readonly VITE_DROPBOX_CONTENT_URL: string;
}
