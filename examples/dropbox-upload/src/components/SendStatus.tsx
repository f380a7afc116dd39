import type { State } from '../state';
import { Icon } from './Icon';

interface SendStatusProps {
  step: State['form']['step'];
  path: string | undefined;
}

/** Progress and success. The element is always there: screen readers announce what changes in it. */
export function SendStatus({ step, path }: SendStatusProps) {
  return (
    <div className="send-status" role="status">
      {step === 'sending' && (
        <p className="progress">
          <span className="spinner" />
          Sending…
        </p>
      )}
      {step === 'sent' && (
        <div className="notice notice-success">
          <Icon name="check" />
          <p className="notice-text">
            <strong>Sent.</strong>{' '}
            <span>
              Stored as <code>{path}</code>
            </span>
          </p>
        </div>
      )}
    </div>
  );
}
