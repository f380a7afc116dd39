import { describe, expect, it } from 'vitest';

import { redirect } from './redirect';

const route = { api: 'http://localhost:8080/dropbox', content: 'http://localhost:8080/dropbox' };

describe('a request to Dropbox that goes elsewhere', () => {
  it.each([
    ['https://api.dropboxapi.com/2/files/list_folder', 'http://localhost:8080/dropbox/2/files/list_folder'],
    ['https://content.dropboxapi.com/2/files/upload', 'http://localhost:8080/dropbox/2/files/upload'],
    ['https://api.dropboxapi.com/2/check/user?a=b%20c', 'http://localhost:8080/dropbox/2/check/user?a=b%20c'],
  ])('keeps its path and query: %s', (from, to) => {
    expect(redirect(from, route)).toBe(to);
  });

  it('takes the base URL with or without a slash at the end', () => {
    const slash = { api: 'http://localhost:8080/dropbox/', content: '' };
    expect(redirect('https://api.dropboxapi.com/2/users', slash)).toBe('http://localhost:8080/dropbox/2/users');
  });

  it('goes to the place of its own host', () => {
    const apart = { api: 'http://127.0.0.1:9002', content: 'http://127.0.0.1:9003' };
    expect(redirect('https://api.dropboxapi.com/2/a', apart)).toBe('http://127.0.0.1:9002/2/a');
    expect(redirect('https://content.dropboxapi.com/2/a', apart)).toBe('http://127.0.0.1:9003/2/a');
  });

  it.each(['https://notify.dropboxapi.com/2/a', 'https://api.dropboxapi.com.example.com/2/a', 'https://example.com/'])(
    'is none if it is for another host: %s',
    (url) => {
      expect(() => redirect(url, route)).toThrow('the page has no use for the host');
    },
  );
});
