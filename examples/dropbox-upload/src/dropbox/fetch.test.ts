import { afterEach, describe, expect, it, vi } from 'vitest';

import { NetworkError } from '../errors/network';
import { fetchWhole } from './fetch';

const url = 'http://localhost:8080/dropbox/2/files/upload';

function serve(answer: (request: Request) => Response | Promise<Response>): void {
  vi.stubGlobal('fetch', async (input: string, init?: RequestInit) => answer(new Request(input, init)));
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('fetching a whole answer', () => {
  it('passes it on, whatever its status is', async () => {
    serve(() => new Response('no', { status: 409, headers: { 'Retry-After': '7' } }));
    const response = await fetchWhole(url);
    expect(response.status).toBe(409);
    expect(response.headers.get('Retry-After')).toBe('7');
    expect(await response.text()).toBe('no');
  });

  it('passes the request on', async () => {
    serve(async (request) => new Response(`${request.method} ${request.url} ${await request.text()}`));
    const response = await fetchWhole(url, { method: 'POST', body: 'Zoë' });
    expect(await response.text()).toBe(`POST ${url} Zoë`);
  });

  it('knows answers that cannot have a body', async () => {
    serve(() => new Response(null, { status: 204 }));
    expect((await fetchWhole(url)).status).toBe(204);
  });

  it('says where no answer came from', async () => {
    serve(() => Promise.reject(new TypeError('Failed to fetch')));
    await expect(fetchWhole(url)).rejects.toMatchObject({
      name: 'NetworkError',
      target: 'http://localhost:8080',
      timedOut: false,
    });
  });

  it('fails if the connection breaks in the middle of the body', async () => {
    let reads = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (reads++ === 0) {
          controller.enqueue(new TextEncoder().encode('First na'));
        } else {
          controller.error(new TypeError('terminated'));
        }
      },
    });
    serve(() => new Response(body));
    await expect(fetchWhole(url)).rejects.toBeInstanceOf(NetworkError);
  });

  it('gives up on a server that never answers', async () => {
    const limit = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
    serve(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as DOMException);
          });
        }),
    );
    const answer = fetchWhole(url);
    limit.abort(new DOMException('it took too long', 'TimeoutError'));
    await expect(answer).rejects.toMatchObject({ name: 'NetworkError', timedOut: true });
    expect(timeout).toHaveBeenCalledWith(60_000);
    timeout.mockRestore();
  });
});
