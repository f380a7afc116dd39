import type { Fetch } from './fetch';

/** For tests: a fetch that answers in turn with what is given, and keeps the requests. */
export function answering(...answers: Response[]): { fetch: Fetch; requests: Request[] } {
  const requests: Request[] = [];
  const fetch: Fetch = (url, init) => {
    requests.push(new Request(url, init));
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new Error(`no answer is left for ${url}`));
  };
  return { fetch, requests };
}
