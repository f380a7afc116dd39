import type { Failure } from './failure';

/** Says what an error of Dropbox's API means. */
export function dropboxFailure(status: number, body: unknown): Failure {
  const { summary, scope } = readError(body);
  const detail = summary === '' ? `The answer had status ${status}.` : `The answer had status ${status}: ${summary}.`;
  if (scope !== undefined) {
    return {
      title: 'A permission is missing',
      detail: `Give your app the permission ${scope} at Dropbox, list it under scopes in the Caddyfile, and connect again.`,
    };
  }
  if (status === 401) {
    return { title: 'Dropbox refused the token', detail };
  }
  if (status === 429) {
    return { title: 'Too many requests', detail: 'Dropbox asks for a pause.' };
  }
  if (status >= 500) {
    return { title: 'Dropbox is not available', detail };
  }
  return { title: 'Dropbox refused the request', detail };
}

/** Whether a body says that there is nothing at the path that was asked for. */
export function isMissingPath(body: unknown): boolean {
  return readError(body).summary.startsWith('path/not_found');
}

// Dropbox says what is wrong in a path of words, such as path/conflict/file/...; the dots mean that more may come.
function readError(body: unknown): { summary: string; scope?: string } {
  if (!isObject(body) || typeof body['error_summary'] !== 'string') {
    return { summary: '' };
  }
  const summary = body['error_summary'].replace(/[/.]*$/, '');
  const { error } = body;
  return isObject(error) && typeof error['required_scope'] === 'string'
    ? { summary, scope: error['required_scope'] }
    : { summary };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
