import { describe, expect, it } from 'vitest';

import { complaint, inputs } from './fields';

// As browsers read the attribute.
const phone = new RegExp(`^(?:${inputs.phone.pattern ?? ''})$`, 'v');

describe('a phone number', () => {
  it.each(['+44 20 7946 0000', '020 7946 0000', '(555) 010-0199', '030/123456', '+1.555.010.0199', '112 112'])(
    'may be %s',
    (value) => {
      expect(value).toMatch(phone);
    },
  );

  it.each(['12345', 'call me', '+', '020 7946 0000 x', '=1+2345678', '1+234567', '------'])('may not be %s', (value) => {
    expect(value).not.toMatch(phone);
  });

  it('that is long and wrong is refused at once', () => {
    const began = performance.now();
    expect(`${'1 -'.repeat(10_000)}x`).not.toMatch(phone);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('what is said about a field', () => {
  it('is nothing if it is valid', () => {
    expect(complaint('email', { valid: true, valueMissing: false })).toBeUndefined();
  });

  it('asks for what is missing', () => {
    expect(complaint('email', { valid: false, valueMissing: true })).toBe('Enter your email address.');
  });

  it('shows what is wanted if it is malformed', () => {
    expect(complaint('email', { valid: false, valueMissing: false })).toBe(
      'Enter an email address such as name@example.com.',
    );
  });
});
