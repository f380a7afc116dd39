import type { Failure } from '../errors/failure';

/** Tells what failed, why perhaps, and what can be done. */
export function FailureNotice({ failure }: { failure: Failure }) {
  const { title, detail, causes, connectUrl } = failure;
  return (
    <div className="notice notice-failure" role="alert">
      <h2>{title}</h2>
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
        <p>
          <a className="button" href={connectUrl} target="_blank" rel="noreferrer">
            Connect Dropbox
          </a>
        </p>
      )}
    </div>
  );
}
