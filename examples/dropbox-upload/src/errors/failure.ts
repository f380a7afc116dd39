import { DropboxResponseError } from 'dropbox';

import { dropboxFailure } from './dropbox';
import { NetworkError } from './network';
import { isProblemType, readProblem, type Problem } from './problem';
import { TokenRefusedError } from './refused';
import { secondsToWait } from './retry';

/** What a person is told when something did not work. */
export interface Failure {
  title: string;
  detail: string;
  /** What may be the cause, where the page cannot know. */
  causes?: string[];
  /** Where the account can be connected. */
  connectUrl?: string;
}

/** Where the page runs and what it talks to. */
export interface Surroundings {
  /** The page's own origin. */
  origin: string;
  /** The origin of the routes of Caddy that the page uses. */
  caddy: string;
  now: number;
}

/** Says in words what an error of any kind means. */
export function explain(error: unknown, around: Surroundings): Failure {
  if (error instanceof NetworkError) {
    return networkFailure(error, around);
  }
  if (error instanceof TokenRefusedError) {
    return withWait(tokenFailure(error), error.headers, around.now);
  }
  if (error instanceof DropboxResponseError) {
    const headers = error.headers as Headers;
    // In forward mode the token store's refusals come through the SDK.
    const problem = isProblemType(headers.get('Content-Type')) ? readProblem(error.error) : undefined;
    return withWait(problem ? problemFailure(problem) : dropboxFailure(error.status, error.error), headers, around.now);
  }
  return {
    title: 'Something went wrong',
    detail: error instanceof Error ? `The page itself failed: ${error.message}` : 'The page itself failed.',
  };
}

function networkFailure(error: NetworkError, { origin, caddy }: Surroundings): Failure {
  const title = 'No answer';
  if (error.timedOut) {
    return { title, detail: `${error.target} did not answer within a minute.` };
  }
  if (error.target !== caddy) {
    return {
      title,
      detail: `The page at ${origin} got no answer from ${error.target}.`,
      causes: ['The network is down.', 'An extension of the browser blocks the request.'],
    };
  }
  return {
    title,
    detail: `The page at ${origin} got no answer from ${error.target} that it may read. Browsers do not tell a page why.`,
    causes: [
      `The server at ${error.target} is not running.`,
      `Its Caddyfile does not list ${origin} under "allow origin".`,
    ],
  };
}

function tokenFailure({ status, problem }: TokenRefusedError): Failure {
  if (problem) {
    return problemFailure(problem);
  }
  return {
    title: 'No token',
    detail:
      status === 200
        ? 'The token endpoint answered with something else than a token. Is VITE_TOKEN_ENDPOINT right?'
        : `The token endpoint answered with status ${status}.`,
  };
}

function problemFailure({ code, title, detail, connectUrl }: Problem): Failure {
  const failure: Failure = { title, detail: detail ?? `The token store refused the request (${code}).` };
  if (connectUrl !== undefined) {
    failure.connectUrl = connectUrl;
  }
  return failure;
}

function withWait(failure: Failure, headers: Headers, now: number): Failure {
  const seconds = secondsToWait(headers, now);
  if (seconds === undefined) {
    return failure;
  }
  const unit = seconds === 1 ? 'second' : 'seconds';
  return { ...failure, detail: `${failure.detail} Try again in ${seconds} ${unit}.` };
}
