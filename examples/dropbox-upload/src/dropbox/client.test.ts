import { describe, expect, it } from 'vitest';

import { withoutToken, withToken } from './client';
import { answering } from './testing';

const list = () => Response.json({ entries: [], cursor: '', has_more: false });

describe("the SDK's client", () => {
  it('without a token sends no credentials, to the route alone', async () => {
    const { fetch, requests } = answering(list(), Response.json({ path_display: '/a' }));
    const dropbox = withoutToken('http://localhost:8080/dropbox', fetch);
    await dropbox.filesListFolder({ path: '' });
    await dropbox.filesUpload({ path: '/a', contents: 'a' });
    expect(requests.map(({ url }) => url)).toEqual([
      'http://localhost:8080/dropbox/2/files/list_folder',
      'http://localhost:8080/dropbox/2/files/upload',
    ]);
    expect(requests.map(({ headers }) => headers.get('Authorization'))).toEqual([null, null]);
  });

  it('with a token fetches that first, and sends it to Dropbox alone', async () => {
    const { fetch, requests } = answering(new Response('token-1'), list());
    const hosts = { api: 'https://api.dropboxapi.com', content: 'https://content.dropboxapi.com' };
    const dropbox = await withToken('http://localhost:8080/dropbox-demo/token', hosts, fetch);
    await dropbox.filesListFolder({ path: '' });
    expect(requests.map(({ url, headers }) => [url, headers.get('Authorization')])).toEqual([
      ['http://localhost:8080/dropbox-demo/token', null],
      ['https://api.dropboxapi.com/2/files/list_folder', 'Bearer token-1'],
    ]);
  });
});
