import { describe, expect, it } from 'vitest';

import { readVariables } from './variables';

describe('the variables of the build', () => {
  it('have defaults that fit the Caddyfile and Dropbox', () => {
    expect(readVariables({})).toEqual({
      VITE_MODE: 'forward',
      VITE_API_URL: 'http://localhost:8080/dropbox',
      VITE_TOKEN_ENDPOINT: 'http://localhost:8080/dropbox-demo/token',
      VITE_DROPBOX_API_URL: 'https://api.dropboxapi.com',
      VITE_DROPBOX_CONTENT_URL: 'https://content.dropboxapi.com',
    });
  });

  it('are taken as they are set', () => {
    const endpoint = 'https://example.azure-api.net/token?subscription-key=abc';
    expect(readVariables({ VITE_MODE: 'return', VITE_TOKEN_ENDPOINT: ` ${endpoint}\n` })).toMatchObject({
      VITE_MODE: 'return',
      VITE_TOKEN_ENDPOINT: endpoint,
    });
  });

  it('have their defaults if they are set to nothing', () => {
    expect(readVariables({ VITE_MODE: '', VITE_API_URL: ' ' })).toEqual(readVariables({}));
  });

  it('name the two modes if the mode is neither', () => {
    expect(() => readVariables({ VITE_MODE: 'proxy' })).toThrow('VITE_MODE is "proxy"; it must be "forward" or "return"');
  });

  it.each(['localhost:8080/dropbox', '/dropbox', 'javascript:alert(1)', 'sl.u.a-token'])(
    'refuse %s where a URL is wanted, without repeating it',
    (value) => {
      const read = () => readVariables({ VITE_API_URL: value });
      expect(read).toThrow('VITE_API_URL must be a URL');
      expect(read).not.toThrow(value);
    },
  );
});
