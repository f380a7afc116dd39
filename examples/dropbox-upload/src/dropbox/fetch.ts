import { NetworkError } from '../errors/network';

/** The part of window.fetch that the Dropbox SDK uses. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

// A token may have to be refreshed on the way, so it can take some seconds. Without a limit, a server that
// hangs would leave the page waiting for ever.
const timeout = 60_000;

/**
 * Fetches a whole answer, and throws a NetworkError if that fails. The SDK would wait for ever for a download whose
 * connection breaks in the middle; with the body read here, it never meets one.
 */
export async function fetchWhole(url: string, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) });
    const body = await response.blob();
    const { status, statusText, headers } = response;
    return new Response(mayHaveBody(status) ? body : null, { status, statusText, headers });
  } catch (cause) {
    throw new NetworkError(url, cause);
  }
}

function mayHaveBody(status: number): boolean {
  return ![204, 205, 304].includes(status);
}
