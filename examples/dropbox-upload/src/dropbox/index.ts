import type { Contact } from '../contact';
import { connect } from './client';
import * as submissions from './submissions';

export type { Submission } from './submissions';

/** What the page does with Dropbox. */
export interface Submissions {
  upload(contact: Contact): Promise<string>;
  list(): Promise<submissions.Submission[]>;
  download(path: string): Promise<Blob>;
}

export const dropboxSubmissions: Submissions = {
  upload: async (contact) => submissions.upload(await connect(), contact, Date.now()),
  list: async () => submissions.list(await connect()),
  download: async (path) => submissions.download(await connect(), path),
};
