import { fieldLabels, fieldNames, type Contact } from './contact';

/** The contact as a file of RFC 4180: a header and one row, each ended by CRLF. */
export function contactToCsv(contact: Contact): string {
  return row(fieldNames.map((name) => fieldLabels[name])) + row(fieldNames.map((name) => contact[name]));
}

function row(values: readonly string[]): string {
  return values.map((value) => quote(defuse(value))).join(',') + '\r\n';
}

function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

// A spreadsheet takes a value that begins with one of these for a formula, quoted or not, and a stranger's
// formula can send away what else is in the sheet. An apostrophe in front makes it text. Phone numbers get it too:
// +1-555-0100 would be computed to -654. Whoever reads the file with a program removes one apostrophe where one of
// these follows it. The wide forms are those of East Asian keyboards, which spreadsheets take for the narrow ones.
const startsFormula = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;

function defuse(value: string): string {
  return startsFormula.test(value) ? `'${value}` : value;
}
