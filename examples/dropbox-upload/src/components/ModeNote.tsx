import { mode } from '../settings';

const notes = {
  forward: 'This page holds no token.',
  return: 'This page fetches a short-lived token for each request.',
};

/** Says in which of the two ways the page reaches Dropbox. */
export function ModeNote() {
  return <footer className="mode-note">{notes[mode]}</footer>;
}
