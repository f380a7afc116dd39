import type { Problem } from './problem';

/** The token endpoint answered, but not with a token. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError';

  readonly status: number;
  readonly headers: Headers;
  /** Why, if the token store said so. */
  readonly problem: Problem | undefined;

  constructor(status: number, headers: Headers, problem?: Problem) {
    super(`the token endpoint answered with status ${status}`);
    this.status = status;
    this.headers = headers;
    this.problem = problem;
  }
}
