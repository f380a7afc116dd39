import { DropboxResponseError, type Dropbox, type files } from 'dropbox';

import type { Contact } from '../contact';
import { contactToCsv } from '../csv';
import { isMissingPath } from '../errors/dropbox';

const folder = '/submissions';

/** A file that was uploaded. */
export interface Submission {
  path: string;
  name: string;
  /** In bytes. */
  size: number;
  uploaded: Date;
}

/** Stores the contact as a new file, and returns the file's path. */
export async function upload(dropbox: Dropbox, contact: Contact, now: number): Promise<string> {
  const path = `${folder}/${now}.csv`;
  const { result } = await dropbox.filesUpload({ path, contents: contactToCsv(contact) });
  return result.path_display ?? path;
}

/** Returns all files that were uploaded, the newest first. */
export async function list(dropbox: Dropbox): Promise<Submission[]> {
  const found: Submission[] = [];
  let page = await firstPage(dropbox);
  for (;;) {
    found.push(...page.entries.filter((entry) => entry['.tag'] === 'file').map(submission));
    if (!page.has_more) {
      return found.sort((a, b) => b.uploaded.getTime() - a.uploaded.getTime() || b.name.localeCompare(a.name));
    }
    page = (await dropbox.filesListFolderContinue({ cursor: page.cursor })).result;
  }
}

/** Returns what is in a file. */
export async function download(dropbox: Dropbox, path: string): Promise<Blob> {
  const { result } = await dropbox.filesDownload({ path });
  // The SDK's types do not know what it adds in browsers.
  return (result as files.FileMetadata & { fileBlob: Blob }).fileBlob;
}

async function firstPage(dropbox: Dropbox): Promise<files.ListFolderResult> {
  try {
    return (await dropbox.filesListFolder({ path: folder })).result;
  } catch (error) {
    // The first upload makes the folder.
    if (error instanceof DropboxResponseError && error.status === 409 && isMissingPath(error.error)) {
      return { entries: [], cursor: '', has_more: false };
    }
    throw error;
  }
}

function submission(file: files.FileMetadataReference): Submission {
  return {
    path: file.path_lower ?? `${folder}/${file.name}`,
    name: file.name,
    size: file.size,
    uploaded: new Date(file.server_modified),
  };
}
