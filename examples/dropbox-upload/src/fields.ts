import type { ComponentProps } from 'react';

import type { FieldName } from './contact';

/** What the browser knows of each field: constraints, keyboard, and what to fill in by itself. */
export const inputs: Readonly<Record<FieldName, ComponentProps<'input'>>> = {
  firstName: { autoComplete: 'given-name', required: true, maxLength: 100 },
  lastName: { autoComplete: 'family-name', required: true, maxLength: 100 },
  email: { type: 'email', autoComplete: 'email', required: true, maxLength: 254, spellCheck: false },
  phone: {
    type: 'tel',
    autoComplete: 'tel',
    required: true,
    maxLength: 40,
    // Digits and what people put between them, with six digits at least.
    pattern: '\\+?(?:[\\s\\(\\)\\/.\\-]*[0-9]){6,}[\\s\\(\\)\\/.\\-]*',
  },
};

const missing: Readonly<Record<FieldName, string>> = {
  firstName: 'Enter your first name.',
  lastName: 'Enter your last name.',
  email: 'Enter your email address.',
  phone: 'Enter your phone number.',
};

const malformed: Readonly<Record<FieldName, string>> = {
  firstName: 'This first name cannot be used.',
  lastName: 'This last name cannot be used.',
  email: 'Enter an email address such as name@example.com.',
  phone: 'Enter a phone number such as +44 20 7946 0000.',
};

/** Says what is wrong with a field, in the page's words; undefined if nothing is. */
export function complaint(name: FieldName, validity: Pick<ValidityState, 'valid' | 'valueMissing'>): string | undefined {
  if (validity.valid) {
    return undefined;
  }
  return validity.valueMissing ? missing[name] : malformed[name];
}
