// What Caddy's token store says when it refuses a request: a document of RFC 9457, see docs/problems.md.

/** A refusal of the token store. */
export interface Problem {
  /** The last word of the document's type, which is what programs look at. */
  code: string;
  title: string;
  detail?: string;
  /** Where a person can connect the account. */
  connectUrl?: string;
}

const problemType = 'application/problem+json';

/** Whether an answer holds a problem document, by its Content-Type. */
export function isProblemType(contentType: string | null): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === problemType;
}

/** Reads a problem document that has been parsed; undefined if it is none. */
export function readProblem(document: unknown): Problem | undefined {
  if (typeof document !== 'object' || document === null) {
    return undefined;
  }
  const { type, title, detail, connect_url: connectUrl } = document as Record<string, unknown>;
  if (typeof type !== 'string' || typeof title !== 'string') {
    return undefined;
  }
  const problem: Problem = { code: type.slice(type.lastIndexOf('#') + 1), title };
  if (typeof detail === 'string') {
    problem.detail = detail;
  }
  if (typeof connectUrl === 'string' && isWebUrl(connectUrl)) {
    problem.connectUrl = connectUrl;
  }
  return problem;
}

// The page makes a link of it, and a link to javascript: would run in the page.
function isWebUrl(url: string): boolean {
  return URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
}
