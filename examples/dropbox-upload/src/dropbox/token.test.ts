import { describe, expect, it } from 'vitest';

import { TokenRefusedError } from '../errors/refused';
import { answering } from './testing';
import { fetchToken } from './token';

const endpoint = 'http://localhost:8080/dropbox-demo/token?subscription-key=abc';

function refusal(answer: Response): Promise<unknown> {
  return fetchToken(endpoint, answering(answer).fetch).catch((error: unknown) => error);
}

describe('fetching the token', () => {
  it('returns the text of the answer', async () => {
    const { fetch } = answering(new Response('sl.u.token-1\n', { headers: { 'Content-Type': 'text/plain' } }));
    expect(await fetchToken(endpoint, fetch)).toBe('sl.u.token-1');
  });

  it('is a plain GET that needs no preflight, with the query as it is', async () => {
    const { fetch, requests } = answering(new Response('token'));
    await fetchToken(endpoint, fetch);
    expect(requests).toHaveLength(1);
    const [request] = requests;
    expect(request?.url).toBe(endpoint);
    expect(request?.method).toBe('GET');
    expect([...(request?.headers ?? [])]).toEqual([]);
  });

  it('reads why there is no token', async () => {
    const problem = { type: 'https://example.com/problems#consent_needed', title: 'Consent needed', status: 409 };
    const answer = Response.json(problem, { status: 409, headers: { 'Content-Type': 'application/problem+json' } });
    expect(await refusal(answer)).toMatchObject({
      name: 'TokenRefusedError',
      status: 409,
      problem: { code: 'consent_needed', title: 'Consent needed' },
    });
  });

  it.each([
    ['a page', new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } })],
    ['JSON of another kind', Response.json({ type: 'a', title: 'b' }, { status: 502 })],
    ['a broken document', new Response('{', { status: 502, headers: { 'Content-Type': 'application/problem+json' } })],
  ])('takes an error with %s as it is', async (_, answer) => {
    const error = await refusal(answer);
    expect(error).toBeInstanceOf(TokenRefusedError);
    expect(error).toMatchObject({ status: 502, problem: undefined });
  });

  it.each([
    ['a page', '<!doctype html>\n<title>Home</title>'],
    ['nothing', ''],
    ['two lines', 'one\ntwo'],
    ['letters that no header can hold', 'tökén'],
  ])('does not take %s for a token', async (_, body) => {
    const error = await refusal(new Response(body));
    expect(error).toMatchObject({ name: 'TokenRefusedError', status: 200 });
    expect(String(error)).not.toContain(body || 'token-1');
  });
});
