/** No answer that the page may read came from a server. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';

  /** Where the request went to. */
  readonly target: string;
  readonly timedOut: boolean;

  constructor(url: string, cause: unknown) {
    const target = new URL(url).origin;
    super(`no answer from ${target}`, { cause });
    this.target = target;
    this.timedOut = cause instanceof DOMException && cause.name === 'TimeoutError';
  }
}
