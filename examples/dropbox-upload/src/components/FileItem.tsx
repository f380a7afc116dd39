import { useId } from 'react';

import type { Submission } from '../dropbox';

interface FileItemProps {
  file: Submission;
  downloading: boolean;
  onDownload: () => void;
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function FileItem({ file, downloading, onDownload }: FileItemProps) {
  const id = useId();
  return (
    <li className="file">
      <div className="file-text">
        <span id={id} className="file-name">
          {file.name}
        </span>
        <span className="file-facts">
          <time dateTime={file.uploaded.toISOString()}>{time.format(file.uploaded)}</time>, {file.size} bytes
        </span>
      </div>
      <button
        type="button"
        className="button-quiet"
        aria-describedby={id}
        aria-disabled={downloading}
        onClick={() => {
          if (!downloading) {
            onDownload();
          }
        }}
      >
        Download
      </button>
    </li>
  );
}
