import type { Failure } from './failure';

/** Says what an error of Dropbox's API means. */
export function dropboxFailure(status: number, body: unknown): Failure {
  const summary = summaryOf(body);
  const said = summary === undefined ? `It answered with status ${status}.` : `It answered with status ${status}, ${summary}.`;
  if (status === 401) {
    return { title: 'Dropbox refused the token', detail: `${said} The token may just have been revoked.` };
  }
  if (status === 403) {
    return { title: 'Dropbox refused access', detail: `${said} The app may lack a permission.` };
  }
  if (status === 429) {
    return { title: 'Too many requests', detail: 'Dropbox asks for a pause.' };
  }
  if (status >= 500) {
    return { title: 'Dropbox is not available', detail: said };
  }
  return { title: 'Dropbox refused the request', detail: said };
}

// Dropbox's own errors say in a word what is wrong, such as path/conflict/file/...; the dots stand for nothing.
function summaryOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error_summary' in body)) {
    return undefined;
  }
  const summary = body.error_summary;
  return typeof summary === 'string' ? summary.replace(/[/.]*$/, '') : undefined;
}
