import { useId } from 'react';

import type { Submission } from '../dropbox';
import { Icon } from './Icon';

interface FileItemProps {
  file: Submission;
  /** Whether it was just sent. */
  latest: boolean;
  downloading: boolean;
  onDownload: () => void;
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function FileItem({ file, latest, downloading, onDownload }: FileItemProps) {
  const id = useId();
  return (
    <li className={latest ? 'file file-latest' : 'file'}>
      <Icon name="file" />
      <div className="file-text">
        <span id={id} className="file-name">
          {file.name}
        </span>
        <span className="file-facts">
          <time dateTime={file.uploaded.toISOString()}>{time.format(file.uploaded)}</time>
          <span>{file.size} bytes</span>
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
        <Icon name="download" />
        Download
      </button>
    </li>
  );
}
