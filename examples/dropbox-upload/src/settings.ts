// What is chosen when the page is built; the example's README has the list of the variables.

export const mode = import.meta.env.VITE_MODE;

/** Where Caddy forwards to Dropbox, with the token attached (forward). */
export const apiUrl = setting(import.meta.env.VITE_API_URL, 'http://localhost:8080/dropbox');

/** Where Caddy returns the token (return). It may hold ?subscription-key=... */
export const tokenEndpoint = setting(
  import.meta.env.VITE_TOKEN_ENDPOINT,
  'http://localhost:8080/dropbox-demo/token',
);

/** Where Dropbox is for a page that talks to it itself (return): other places only to try without an account. */
export const dropboxUrls = {
  api: setting(import.meta.env.VITE_DROPBOX_API_URL, 'https://api.dropboxapi.com'),
  content: setting(import.meta.env.VITE_DROPBOX_CONTENT_URL, 'https://content.dropboxapi.com'),
};

/** The origin of the routes of Caddy that this page uses. */
export const caddyOrigin = new URL(mode === 'forward' ? apiUrl : tokenEndpoint).origin;

// A variable that is set to nothing counts as not set.
function setting(value: string | undefined, otherwise: string): string {
  return value === undefined || value.trim() === '' ? otherwise : value.trim();
}
