import { describe, expect, it } from 'vitest';

import type { Contact } from './contact';
import { contactToCsv } from './csv';

const ada: Contact = { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com', phone: '020 7946 0000' };

function rowOf(contact: Partial<Contact>): string {
  const csv = contactToCsv({ ...ada, ...contact });
  return csv.slice(csv.indexOf('\r\n') + 2);
}

describe('the file of a contact', () => {
  it('is a header and one row, each ended by CRLF', () => {
    expect(contactToCsv(ada)).toBe(
      'First name,Last name,Email,Phone\r\nAda,Lovelace,ada@example.com,020 7946 0000\r\n',
    );
  });

  it.each([
    ['a comma is quoted', 'Ada, Countess', '"Ada, Countess"'],
    ['quotes are doubled', 'Ada "Byron"', '"Ada ""Byron"""'],
    ['a line break is quoted', 'Ada\r\nByron', '"Ada\r\nByron"'],
    ['other letters stay as they are', 'Zoë 愛', 'Zoë 愛'],
    ['an apostrophe stays as it is', "O'Neill", "O'Neill"],
    ['an empty value stays empty', '', ''],
  ])('%s', (_, firstName, expected) => {
    expect(rowOf({ firstName })).toBe(`${expected},Lovelace,ada@example.com,020 7946 0000\r\n`);
  });

  it.each([
    ['an equals sign', '=1+2', "'=1+2"],
    ['a plus sign', '+1+2', "'+1+2"],
    ['a minus sign', '-1+2', "'-1+2"],
    ['an at sign', '@SUM(A1)', "'@SUM(A1)"],
    ['a wide equals sign', '＝1+2', "'＝1+2"],
    ['a tab', '\t=1+2', "'\t=1+2"],
    ['spaces before a sign', '  =1+2', "'  =1+2"],
    ['a sign, if the value must be quoted too', '=HYPERLINK("http://example.com","x")', `"'=HYPERLINK(""http://example.com"",""x"")"`],
  ])('no spreadsheet computes what begins with %s', (_, firstName, expected) => {
    expect(rowOf({ firstName })).toBe(`${expected},Lovelace,ada@example.com,020 7946 0000\r\n`);
  });

  it('a sign inside a value is left alone', () => {
    expect(rowOf({ lastName: 'King-Noel' })).toBe('Ada,King-Noel,ada@example.com,020 7946 0000\r\n');
  });

  it('a phone number with a plus sign is not computed either', () => {
    expect(rowOf({ phone: '+1-555-0100' })).toBe("Ada,Lovelace,ada@example.com,'+1-555-0100\r\n");
  });
});
