import type { State } from '../state';

interface SendStatusProps {
  step: State['form']['step'];
  path: string | undefined;
}

/** Progress and success. The element is always there: screen readers announce what changes in it. */
export function SendStatus({ step, path }: SendStatusProps) {
  return (
    <p className={`status status-${step}`} role="status">
      {step === 'sending' && 'Sending…'}
      {step === 'sent' && (
        <>
          Sent. It is stored as <code>{path}</code>.
        </>
      )}
    </p>
  );
}
