import type { Fetch } from './fetch';

/** Where the requests for each of Dropbox's hosts go instead. */
export interface Hosts {
  api: string;
  content: string;
}

/**
 * Makes a fetch for the SDK that sends its requests elsewhere. The SDK's own option for that, domain, always takes
 * https and other host names.
 */
export function redirectingFetch(hosts: Hosts, fetch: Fetch): Fetch {
  return (url, init) => fetch(redirect(url, hosts), init);
}

/** Puts the path and query of a URL of Dropbox's API below the base URL for its host. */
export function redirect(url: string, hosts: Hosts): string {
  const { hostname, pathname, search } = new URL(url);
  return baseUrl(hostname, hosts).replace(/\/+$/, '') + pathname + search;
}

function baseUrl(hostname: string, hosts: Hosts): string {
  switch (hostname) {
    case 'api.dropboxapi.com':
      return hosts.api;
    case 'content.dropboxapi.com':
      return hosts.content;
    default:
      throw new Error(`the page has no use for the host ${hostname}`);
  }
}
