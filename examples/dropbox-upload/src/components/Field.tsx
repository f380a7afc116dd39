import { useId, type ComponentProps } from 'react';

type FieldProps = ComponentProps<'input'> & { label: string; error: string | undefined };

/** A labelled input with room for what is wrong with its value. */
export function Field({ label, error, ...input }: FieldProps) {
  const id = useId();
  const errorId = `${id}-error`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} aria-invalid={error !== undefined} aria-describedby={error && errorId} {...input} />
      {error && (
        <p id={errorId} className="field-error">
          {error}
        </p>
      )}
    </div>
  );
}
