/** What a person fills in. */
export interface Contact {
  firstName: string;
  lastName: string;
  email: string;
  phone: string;
}

export type FieldName = keyof Contact;

/** The fields in the order of the form and of the file. */
export const fieldNames: readonly FieldName[] = ['firstName', 'lastName', 'email', 'phone'];

export const fieldLabels: Readonly<Record<FieldName, string>> = {
  firstName: 'First name',
  lastName: 'Last name',
  email: 'Email',
  phone: 'Phone',
};
