import { describe, expect, it } from 'vitest';

import { isProblemType, readProblem } from './problem';

const document = {
  type: 'https://github.com/caddy-tokenstore/caddy-tokenstore/blob/main/docs/problems.md#consent_needed',
  title: 'Consent needed',
  status: 409,
  detail: 'A person has to connect the account.',
  reason: 'revoked',
  connect_url: 'http://localhost:8080/connect/dropbox-demo/auth',
};

describe('a problem document', () => {
  it('is read whole', () => {
    expect(readProblem(document)).toEqual({
      code: 'consent_needed',
      title: 'Consent needed',
      detail: 'A person has to connect the account.',
      connectUrl: 'http://localhost:8080/connect/dropbox-demo/auth',
    });
  });

  it('may do without what is optional', () => {
    expect(readProblem({ type: 'about:blank', title: 'Not found' })).toEqual({ code: 'about:blank', title: 'Not found' });
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/connect/dropbox-demo/auth', '', 7, null])(
    'gives no link to %j',
    (url) => {
      expect(readProblem({ ...document, connect_url: url })).not.toHaveProperty('connectUrl');
    },
  );

  it.each([
    ['text', 'Conflict'],
    ['nothing', null],
    ["one of Dropbox's own errors", { error_summary: 'path/not_found/..', error: { '.tag': 'path' } }],
    ['a title that is none', { type: 'x#y', title: 7 }],
    ['no type', { title: 'Consent needed' }],
  ])('is not %s', (_, value) => {
    expect(readProblem(value)).toBeUndefined();
  });
});

describe('the type of a problem document', () => {
  it.each([
    ['application/problem+json', true],
    ['Application/Problem+JSON; charset=utf-8', true],
    ['application/json', false],
    ['application/problem+json-seq', false],
    ['', false],
    [null, false],
  ])('%j: %j', (type, expected) => {
    expect(isProblemType(type)).toBe(expected);
  });
});
