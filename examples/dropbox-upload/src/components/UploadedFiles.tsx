import type { Submission } from '../dropbox';
import type { Failure } from '../errors/failure';
import { FailureNotice } from './FailureNotice';
import { FileItem } from './FileItem';

interface UploadedFilesProps {
  files: readonly Submission[] | undefined;
  loading: boolean;
  downloading: readonly string[];
  failure: Failure | undefined;
  onRefresh: () => Promise<void>;
  onDownload: (path: string, name: string) => Promise<void>;
}

export function UploadedFiles({ files, loading, downloading, failure, onRefresh, onDownload }: UploadedFilesProps) {
  return (
    <section className="card" aria-labelledby="files-title" aria-busy={loading}>
      <div className="card-head">
        <h2 id="files-title">Uploaded files</h2>
        <button type="button" className="button-quiet" aria-disabled={loading} onClick={() => void onRefresh()}>
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
    return 'Nothing yet.';
  }
  return loading ? 'Loading…' : 'The list could not be loaded.';
}
