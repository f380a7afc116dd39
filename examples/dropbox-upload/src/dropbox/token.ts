import { isProblemType, readProblem, type Problem } from '../errors/problem';
import { TokenRefusedError } from '../errors/refused';
import type { Fetch } from './fetch';

/** Fetches the access token as bare text. It throws a TokenRefusedError for any other answer. */
export async function fetchToken(endpoint: string, fetch: Fetch): Promise<string> {
  // No header is added, so that the browser needs no preflight for it.
  const response = await fetch(endpoint, { cache: 'no-store' });
  if (!response.ok) {
    throw new TokenRefusedError(response.status, response.headers, await problemOf(response));
  }
  const token = (await response.text()).trim();
  // A web server that knows nothing of tokens may answer with its home page.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new TokenRefusedError(response.status, response.headers);
  }
  return token;
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  if (!isProblemType(response.headers.get('Content-Type'))) {
    return undefined;
  }
  try {
    return readProblem(await response.json());
  } catch {
    return undefined;
  }
}
