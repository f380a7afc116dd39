/** What is chosen when the page is built, and the defaults. The types for the page are in src/vite-env.d.ts. */
const defaults = {
  VITE_MODE: 'forward',
  VITE_API_URL: 'http://localhost:8080/dropbox',
  VITE_TOKEN_ENDPOINT: 'http://localhost:8080/dropbox-demo/token',
  VITE_DROPBOX_API_URL: 'https://api.dropboxapi.com',
  VITE_DROPBOX_CONTENT_URL: 'https://content.dropboxapi.com',
};

export type Variables = typeof defaults;

/** Returns the variables as they are set in env. One that is missing or empty gets its default; one that is wrong is an error. */
export function readVariables(env: Readonly<Record<string, string | undefined>>): Variables {
  const variables = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof Variables)[]) {
    const value = env[name]?.trim() ?? '';
    if (value !== '') {
      variables[name] = value;
    }
    check(name, variables[name]);
  }
  return variables;
}

function check(name: keyof Variables, value: string): void {
  if (name === 'VITE_MODE') {
    if (value !== 'forward' && value !== 'return') {
      throw new Error(`VITE_MODE is "${value}"; it must be "forward" or "return"`);
    }
  } else if (!isWebUrl(value)) {
    // Not the value: a variable may have been mixed up with one that holds a secret.
    throw new Error(`${name} must be a URL that begins with http:// or https://`);
  }
}

function isWebUrl(value: string): boolean {
  return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol);
}
