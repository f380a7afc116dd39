// What was chosen when the page was built. variables.ts has the defaults.

export const mode = import.meta.env.VITE_MODE;

/** Where Caddy forwards to Dropbox, with the token attached (forward). */
export const apiUrl = import.meta.env.VITE_API_URL;

/** Where Caddy returns the token (return). It may hold ?subscription-key=... */
export const tokenEndpoint = import.meta.env.VITE_TOKEN_ENDPOINT;

/** Where Dropbox is for a page that talks to it itself (return): elsewhere only to try without an account. */
export const dropboxUrls = {
  api: import.meta.env.VITE_DROPBOX_API_URL,
  content: import.meta.env.VITE_DROPBOX_CONTENT_URL,
};

/** The route of Caddy that this page uses. */
export const caddyRoute = mode === 'forward' ? apiUrl : tokenEndpoint;
