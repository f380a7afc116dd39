import type { Failure } from '../errors/failure';
import { Icon } from './Icon';

/** Tells what failed, why perhaps, and what can be done. */
export function FailureNotice({ failure }: { failure: Failure }) {
  const { title, detail, causes, connectUrl } = failure;
  return (
    <div className={connectUrl ? 'notice notice-connect' : 'notice notice-failure'} role="alert">
      <Icon name={connectUrl ? 'connect' : 'alert'} />
      <div className="notice-text">
        <p className="notice-title">{title}</p>
        <p>{detail}</p>
        {causes && (
          <>
            <p>Likely causes:</p>
            <ul>
              {causes.map((cause) => (
                <li key={cause}>{cause}</li>
              ))}
            </ul>
          </>
        )}
        {connectUrl && (
          <>
            <p>
              <a className="button" href={connectUrl} target="_blank" rel="noreferrer">
                Connect Dropbox
              </a>
            </p>
            <p className="aside">It opens in a new tab. Come back to this one when it is done.</p>
          </>
        )}
      </div>
    </div>
  );
}
