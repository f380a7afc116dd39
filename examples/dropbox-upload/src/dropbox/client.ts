import { Dropbox } from 'dropbox';

import { apiUrl, dropboxUrls, mode, tokenEndpoint } from '../settings';
import { fetchWhole, type Fetch } from './fetch';
import { redirectingFetch, type Hosts } from './redirect';
import { fetchToken } from './token';

/** Makes the SDK's client for one operation. */
export function connect(): Promise<Dropbox> {
  return mode === 'forward'
    ? Promise.resolve(withoutToken(apiUrl, fetchWhole))
    : withToken(tokenEndpoint, dropboxUrls, fetchWhole);
}

/** A client that holds no token: Caddy attaches it, and knows which of Dropbox's hosts a path is on. */
export function withoutToken(route: string, fetch: Fetch): Dropbox {
  return new Dropbox({ fetch: redirectingFetch({ api: route, content: route }, fetch) });
}

/**
 * A client with a token that was fetched for it. It is kept nowhere else, and not for long: Caddy always has one that
 * is valid, while one that the page kept would expire.
 */
export async function withToken(endpoint: string, hosts: Hosts, fetch: Fetch): Promise<Dropbox> {
  const accessToken = await fetchToken(endpoint, fetch);
  return new Dropbox({ accessToken, fetch: redirectingFetch(hosts, fetch) });
}
