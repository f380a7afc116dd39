import { describe, expect, it } from 'vitest';

import { secondsToWait } from './retry';

const now = Date.UTC(2026, 0, 1, 12, 0, 0);

describe('Retry-After', () => {
  it.each([
    ['7', 7],
    ['0', 1],
    ['Thu, 01 Jan 2026 12:01:30 GMT', 90],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 1],
    ['soon', undefined],
    ['', undefined],
  ])('%j is %j seconds', (value, seconds) => {
    expect(secondsToWait(new Headers({ 'Retry-After': value }), now)).toBe(seconds);
  });

  it('may be missing', () => {
    expect(secondsToWait(new Headers(), now)).toBeUndefined();
  });
});
