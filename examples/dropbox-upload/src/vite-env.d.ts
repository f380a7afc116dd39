/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly VITE_MODE: 'forward' | 'return';
  readonly VITE_API_URL?: string;
  readonly VITE_TOKEN_ENDPOINT?: string;
  readonly VITE_DROPBOX_API_URL?: string;
  readonly VITE_DROPBOX_CONTENT_URL?: string;
}
