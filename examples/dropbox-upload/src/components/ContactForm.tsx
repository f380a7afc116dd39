import { useState, type SyntheticEvent } from 'react';

import { fieldLabels, fieldNames, type Contact, type FieldName } from '../contact';
import type { Failure } from '../errors/failure';
import { complaint, inputs } from '../fields';
import type { State } from '../state';
import { FailureNotice } from './FailureNotice';
import { Field } from './Field';
import { SendStatus } from './SendStatus';

interface ContactFormProps {
  step: State['form']['step'];
  path: string | undefined;
  failure: Failure | undefined;
  /** Sends the contact and says whether that worked. */
  onSend: (contact: Contact) => Promise<boolean>;
  onEdit: () => void;
}

type Complaints = Partial<Record<FieldName, string | undefined>>;

export function ContactForm({ step, path, failure, onSend, onEdit }: ContactFormProps) {
  const [complaints, setComplaints] = useState<Complaints>({});
  const sending = step === 'sending';

  const submit = async (form: HTMLFormElement) => {
    const found = check(form);
    setComplaints(found);
    const first = fieldNames.find((name) => found[name] !== undefined);
    if (first) {
      // What was sent before would look like the answer to this.
      onEdit();
      input(form, first).focus();
    } else if (await onSend(read(form))) {
      form.reset();
    }
  };

  const change = (event: SyntheticEvent<HTMLFormElement>) => {
    onEdit();
    const field = event.target as HTMLInputElement;
    const name = field.name as FieldName;
    // A complaint goes when it is met, but none comes while one is still typing.
    if (complaints[name] !== undefined) {
      setComplaints({ ...complaints, [name]: complaint(name, field.validity) });
    }
  };

  return (
    <section className="card" aria-labelledby="form-title">
      <h2 id="form-title">Your details</h2>
      <form
        noValidate
        onInput={change}
        onSubmit={(event) => {
          event.preventDefault();
          if (!sending) {
            void submit(event.currentTarget);
          }
        }}
      >
        <div className="fields">
          {fieldNames.map((name) => (
            <Field
              key={name}
              name={name}
              label={fieldLabels[name]}
              error={complaints[name]}
              readOnly={sending}
              {...inputs[name]}
            />
          ))}
        </div>
        {failure && <FailureNotice failure={failure} />}
        <div className="actions">
          <button type="submit" className="button" aria-disabled={sending}>
            Send
          </button>
          <SendStatus step={step} path={path} />
        </div>
      </form>
    </section>
  );
}

function check(form: HTMLFormElement): Complaints {
  return Object.fromEntries(fieldNames.map((name) => [name, complaint(name, input(form, name).validity)]));
}

function read(form: HTMLFormElement): Contact {
  const value = (name: FieldName) => input(form, name).value.trim();
  return { firstName: value('firstName'), lastName: value('lastName'), email: value('email'), phone: value('phone') };
}

function input(form: HTMLFormElement, name: FieldName): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}
