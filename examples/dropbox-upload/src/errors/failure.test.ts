import { DropboxResponseError } from 'dropbox';
import { describe, expect, it } from 'vitest';

import { explain, type Failure } from './failure';
import { NetworkError } from './network';
import { TokenRefusedError } from './refused';

const around = {
  origin: 'http://localhost:5173',
  caddy: 'http://localhost:8080',
  now: Date.UTC(2026, 0, 1),
};

const consentNeeded = {
  type: 'https://github.com/caddy-tokenstore/caddy-tokenstore/blob/main/docs/problems.md#consent_needed',
  title: 'Consent needed',
  status: 409,
  detail: 'A person has to connect the account.',
  connect_url: 'http://localhost:8080/connect/dropbox-demo/auth',
};

function fromSdk(status: number, body: unknown, headers: Record<string, string> = {}): Failure {
  return explain(new DropboxResponseError(status, new Headers(headers), body), around);
}

describe('no answer', () => {
  it("tells the page's origin and the likely causes", () => {
    const error = new NetworkError('http://localhost:8080/dropbox/2/files/upload', new TypeError('Failed to fetch'));
    expect(explain(error, around)).toEqual({
      title: 'No answer',
      detail:
        'The page at http://localhost:5173 got no answer from http://localhost:8080 that it may read. ' +
        'Browsers do not tell a page why.',
      causes: [
        'The server at http://localhost:8080 is not running.',
        'Its Caddyfile does not list http://localhost:5173 under "allow origin".',
      ],
    });
  });

  it('does not blame the Caddyfile if it is Dropbox that is out of reach', () => {
    const failure = explain(new NetworkError('https://api.dropboxapi.com/2/x', new TypeError('Failed to fetch')), around);
    expect(failure.detail).toContain('no answer from https://api.dropboxapi.com');
    expect(JSON.stringify(failure)).not.toContain('Caddyfile');
  });

  it('says so if it took too long', () => {
    const error = new NetworkError('http://localhost:8080/x', new DOMException('late', 'TimeoutError'));
    expect(explain(error, around).detail).toBe('http://localhost:8080 did not answer within a minute.');
  });

  it('never shows the query, which may hold a key', () => {
    const error = new NetworkError('http://localhost:8080/token?subscription-key=abc', new TypeError('Failed to fetch'));
    expect(JSON.stringify(explain(error, around))).not.toContain('abc');
  });
});

describe('a refusal of the token store', () => {
  const expected = {
    title: 'Consent needed',
    detail: 'A person has to connect the account.',
    connectUrl: 'http://localhost:8080/connect/dropbox-demo/auth',
  };

  it('is the same by way of the SDK', () => {
    expect(fromSdk(409, consentNeeded, { 'Content-Type': 'application/problem+json' })).toEqual(expected);
  });

  it('is the same by way of the token endpoint', () => {
    const problem = { code: 'consent_needed', ...expected };
    expect(explain(new TokenRefusedError(409, new Headers(), problem), around)).toEqual(expected);
  });

  it('is not believed if Dropbox sends it', () => {
    expect(fromSdk(409, consentNeeded, { 'Content-Type': 'application/json' })).not.toHaveProperty('connectUrl');
  });

  it('says when to try again', () => {
    const body = { type: 'x#unavailable', title: 'Token unavailable for now', detail: 'It is being worked on.' };
    const headers = { 'Content-Type': 'application/problem+json', 'Retry-After': '1' };
    expect(fromSdk(503, body, headers).detail).toBe('It is being worked on. Try again in 1 second.');
  });

  it('has its code for a detail if it has none', () => {
    const headers = { 'Content-Type': 'application/problem+json' };
    expect(fromSdk(404, { type: 'x#not_found', title: 'Not found' }, headers).detail).toContain('not_found');
  });
});

describe('an answer of the token endpoint without a token', () => {
  it.each([
    [200, 'The token endpoint answered with something else than a token. Is VITE_TOKEN_ENDPOINT right?'],
    [502, 'The token endpoint answered with status 502.'],
  ])('with status %d', (status, detail) => {
    expect(explain(new TokenRefusedError(status, new Headers()), around)).toEqual({ title: 'No token', detail });
  });
});

describe('an error of Dropbox', () => {
  it.each<[string, number, unknown, Failure]>([
    [
      'about the token',
      401,
      { error_summary: 'expired_access_token/...', error: { '.tag': 'expired_access_token' } },
      { title: 'Dropbox refused the token', detail: 'The answer had status 401: expired_access_token.' },
    ],
    [
      'about a permission',
      401,
      {
        error_summary: 'missing_scope/',
        error: { '.tag': 'missing_scope', required_scope: 'files.metadata.read' },
      },
      {
        title: 'A permission is missing',
        detail:
          'Give your app the permission files.metadata.read at Dropbox, list it under scopes in the Caddyfile, and connect again.',
      },
    ],
    [
      'about the path',
      409,
      { error_summary: 'path/conflict/file/..', error: { '.tag': 'path' } },
      { title: 'Dropbox refused the request', detail: 'The answer had status 409: path/conflict/file.' },
    ],
    [
      'that is plain text',
      400,
      'Error in call to API function',
      { title: 'Dropbox refused the request', detail: 'The answer had status 400.' },
    ],
    [
      'of its servers',
      503,
      '<html></html>',
      { title: 'Dropbox is not available', detail: 'The answer had status 503.' },
    ],
    [
      'without a body',
      502,
      '',
      { title: 'Dropbox is not available', detail: 'The answer had status 502.' },
    ],
  ])('%s', (_, status, body, failure) => {
    expect(fromSdk(status, body)).toEqual(failure);
  });

  it('about too many requests says how long to wait', () => {
    expect(fromSdk(429, { error_summary: 'too_many_requests/' }, { 'Retry-After': '300' })).toEqual({
      title: 'Too many requests',
      detail: 'Dropbox asks for a pause. Try again in 300 seconds.',
    });
  });
});

describe('any other error', () => {
  it('is called a failure of the page', () => {
    expect(explain(new RangeError('Invalid time value'), around).detail).toBe('The page itself failed: Invalid time value');
  });

  it('need not be an Error', () => {
    expect(explain('x', around).detail).toBe('The page itself failed.');
  });
});
