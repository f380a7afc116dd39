import { Dropbox } from 'dropbox';

import { apiUrl, dropboxUrls, mode, tokenEndpoint } from '../settings';
import { fetchWhole } from './fetch';
import { redirectingFetch } from './redirect';
import { fetchToken } from './token';

/** Makes the SDK's client for one operation. */
export function connect(): Promise<Dropbox> {
  return mode === 'forward' ? Promise.resolve(withoutToken()) : withToken();
}

// Caddy attaches the token behind the route. Which of Dropbox's hosts a path is on is known there, too.
function withoutToken(): Dropbox {
  return new Dropbox({ fetch: redirectingFetch({ api: apiUrl, content: apiUrl }, fetchWhole) });
}

// The token is kept nowhere: Caddy always has one that is valid, so it is fetched for each operation.
async function withToken(): Promise<Dropbox> {
  const accessToken = await fetchToken(tokenEndpoint, fetchWhole);
  return new Dropbox({ accessToken, fetch: redirectingFetch(dropboxUrls, fetchWhole) });
}
