import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { withoutToken } from './client';
import { download, list, upload } from './submissions';
import { answering } from './testing';

const route = 'http://localhost:8080/dropbox';
const contact = { firstName: 'Zoë', lastName: 'Lovelace', email: 'zoe@example.com', phone: '020 7946 0000' };

function file(name: string, modified: string) {
  return {
    '.tag': 'file',
    name,
    path_lower: `/submissions/${name}`,
    size: 12,
    server_modified: modified,
  };
}

function endpointError(summary: string): Response {
  return Response.json({ error_summary: summary, error: { '.tag': 'path' } }, { status: 409 });
}

describe('uploading', () => {
  it('stores the contact in a file that is named after the time', async () => {
    const { fetch, requests } = answering(Response.json({ path_display: '/submissions/1700000000000.csv' }));
    const path = await upload(withoutToken(route, fetch), contact, 1_700_000_000_000);
    expect(path).toBe('/submissions/1700000000000.csv');
    const [request] = requests;
    expect(request?.method).toBe('POST');
    expect(JSON.parse(request?.headers.get('Dropbox-API-Arg') ?? '')).toEqual({ path });
    expect(await request?.text()).toBe(
      'First name,Last name,Email,Phone\r\nZoë,Lovelace,zoe@example.com,020 7946 0000\r\n',
    );
  });
});

describe('listing', () => {
  it('follows all pages, and puts the newest file first', async () => {
    const { fetch, requests } = answering(
      Response.json({
        entries: [file('1.csv', '2026-01-01T00:00:00Z'), { '.tag': 'folder', name: 'old' }],
        cursor: 'next-1',
        has_more: true,
      }),
      Response.json({ entries: [file('3.csv', '2026-01-03T00:00:00Z')], cursor: 'next-2', has_more: true }),
      Response.json({ entries: [file('2.csv', '2026-01-02T00:00:00Z')], cursor: 'next-3', has_more: false }),
    );
    const files = await list(withoutToken(route, fetch));
    expect(files.map(({ name }) => name)).toEqual(['3.csv', '2.csv', '1.csv']);
    expect(files[0]).toEqual({
      path: '/submissions/3.csv',
      name: '3.csv',
      size: 12,
      uploaded: new Date('2026-01-03T00:00:00Z'),
    });
    expect(await Promise.all(requests.map((request) => request.json()))).toEqual([
      { path: '/submissions' },
      { cursor: 'next-1' },
      { cursor: 'next-2' },
    ]);
  });

  it('finds nothing where there is no folder yet', async () => {
    const { fetch } = answering(endpointError('path/not_found/..'));
    expect(await list(withoutToken(route, fetch))).toEqual([]);
  });

  it.each([
    ['the path is refused for another reason', endpointError('path/restricted_content/.')],
    ['the status is another', Response.json({ error_summary: 'path/not_found/' }, { status: 500 })],
    ['consent is needed', Response.json({ type: 'x#consent_needed', title: 'Consent needed' }, { status: 409 })],
  ])('fails if %s', async (_, answer) => {
    const { fetch } = answering(answer);
    await expect(list(withoutToken(route, fetch))).rejects.toMatchObject({ name: 'DropboxResponseError' });
  });
});

describe('downloading', () => {
  // The SDK gives blobs where there is a window, and wants an old node-fetch elsewhere.
  beforeEach(() => {
    vi.stubGlobal('window', globalThis);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('returns the bytes of the file', async () => {
    const { fetch, requests } = answering(
      new Response('Zoë\r\n', { headers: { 'Dropbox-API-Result': JSON.stringify(file('1.csv', '')) } }),
    );
    const blob = await download(withoutToken(route, fetch), '/submissions/1.csv');
    expect(await blob.text()).toBe('Zoë\r\n');
    expect(requests[0]?.url).toBe(`${route}/2/files/download`);
    expect(JSON.parse(requests[0]?.headers.get('Dropbox-API-Arg') ?? '')).toEqual({ path: '/submissions/1.csv' });
  });
});
