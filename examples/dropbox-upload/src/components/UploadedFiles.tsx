import type { Submission } from '../dropbox';
import type { Failure } from '../errors/failure';
import { FailureNotice } from './FailureNotice';
import { FileItem } from './FileItem';
import { Icon } from './Icon';

interface UploadedFilesProps {
  files: readonly Submission[] | undefined;
  /** The path of the file that was just sent. */
  latest: string | undefined;
  loading: boolean;
  downloading: readonly string[];
  failure: Failure | undefined;
  onRefresh: () => Promise<void>;
  onDownload: (path: string, name: string) => Promise<void>;
}

export function UploadedFiles(props: UploadedFilesProps) {
  const { files, latest, loading, downloading, failure, onRefresh, onDownload } = props;
  return (
    <section className="card" aria-labelledby="files-title" aria-busy={loading}>
      <div className="card-head">
        <h2 id="files-title">Uploaded files</h2>
        <button type="button" className="button-quiet" aria-disabled={loading} onClick={() => void onRefresh()}>
          <Icon name="refresh" />
          Refresh
        </button>
      </div>
      {failure && <FailureNotice failure={failure} />}
      {files && files.length > 0 ? (
        <ul className="files" aria-labelledby="files-title">
          {files.map((file) => (
            <FileItem
              key={file.path}
              file={file}
              latest={file.path === latest}
              downloading={downloading.includes(file.path)}
              onDownload={() => void onDownload(file.path, file.name)}
            />
          ))}
        </ul>
      ) : (
        <p className="empty">{emptyText(files, loading)}</p>
      )}
    </section>
  );
}

function emptyText(files: readonly Submission[] | undefined, loading: boolean): string {
  if (files) {
    return 'None yet.';
  }
  return loading ? 'Loading…' : 'The list could not be loaded.';
}
