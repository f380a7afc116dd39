import { describe, expect, it } from 'vitest';

import type { Submission } from './dropbox';
import type { Failure } from './errors/failure';
import { initialState, reduce, type Action, type State } from './state';

const noAnswer: Failure = { title: 'No answer', detail: '' };
const consentNeeded: Failure = { title: 'Consent needed', detail: '', connectUrl: 'http://localhost:8080/connect/a/b' };
const file: Submission = { path: '/submissions/1.csv', name: '1.csv', size: 1, uploaded: new Date(0) };

function after(...actions: Action[]): State {
  return actions.reduce(reduce, initialState);
}

describe('the form', () => {
  it('is sending, then sent', () => {
    expect(after({ type: 'send' }).form).toEqual({ step: 'sending' });
    expect(after({ type: 'send' }, { type: 'sent', path: '/submissions/1.csv' }).form).toEqual({
      step: 'sent',
      path: '/submissions/1.csv',
    });
  });

  it('can be sent again after a failure', () => {
    const state = after({ type: 'send' }, { type: 'sendFailed', what: noAnswer });
    expect(state.form).toEqual({ step: 'editing' });
    expect(state.failure).toEqual({ during: 'send', what: noAnswer });
    expect(reduce(state, { type: 'send' })).toMatchObject({ form: { step: 'sending' }, failure: undefined });
  });

  it('no longer says that it was sent when the next entry begins', () => {
    const state = after({ type: 'send' }, { type: 'sent', path: '/submissions/1.csv' }, { type: 'edit' });
    expect(state.form).toEqual({ step: 'editing' });
  });

  it('goes on sending, whatever is typed', () => {
    expect(after({ type: 'send' }, { type: 'edit' }).form).toEqual({ step: 'sending' });
  });
});

describe('the list', () => {
  it('is unknown, loading, and then there', () => {
    expect(initialState.list).toMatchObject({ files: undefined, loading: false });
    expect(after({ type: 'list', request: 1 }).list).toMatchObject({ files: undefined, loading: true });
    expect(after({ type: 'list', request: 1 }, { type: 'listed', request: 1, files: [file] }).list).toMatchObject({
      files: [file],
      loading: false,
    });
  });

  it('does not go back to an older answer', () => {
    const state = after(
      { type: 'list', request: 1 },
      { type: 'list', request: 2 },
      { type: 'listed', request: 2, files: [file] },
    );
    expect(reduce(state, { type: 'listed', request: 1, files: [] })).toBe(state);
    expect(reduce(state, { type: 'listFailed', request: 1, what: noAnswer })).toBe(state);
  });

  it('goes on loading when an older answer comes', () => {
    const state = after({ type: 'list', request: 1 }, { type: 'list', request: 2 }, { type: 'listed', request: 1, files: [] });
    expect(state.list).toMatchObject({ files: undefined, loading: true });
  });

  it('stays when a later one cannot be loaded', () => {
    const state = after(
      { type: 'list', request: 1 },
      { type: 'listed', request: 1, files: [file] },
      { type: 'list', request: 2 },
      { type: 'listFailed', request: 2, what: noAnswer },
    );
    expect(state.list).toMatchObject({ files: [file], loading: false });
    expect(state.failure).toEqual({ during: 'list', what: noAnswer });
  });
});

describe('downloads', () => {
  it('are known while they last', () => {
    const two = after({ type: 'download', path: '/a' }, { type: 'download', path: '/b' });
    expect(two.downloading).toEqual(['/a', '/b']);
    expect(reduce(two, { type: 'downloaded', path: '/a' }).downloading).toEqual(['/b']);
  });

  it('may fail', () => {
    const state = after({ type: 'download', path: '/a' }, { type: 'downloadFailed', path: '/a', what: noAnswer });
    expect(state.downloading).toEqual([]);
    expect(state.failure).toEqual({ during: 'download', what: noAnswer });
  });
});

describe('a failure', () => {
  it('goes when a person does something', () => {
    const failed = after({ type: 'list', request: 1 }, { type: 'listFailed', request: 1, what: noAnswer });
    expect(failed.failure).toBeDefined();
    expect(reduce(failed, { type: 'send' }).failure).toBeUndefined();
    expect(reduce(failed, { type: 'download', path: '/a' }).failure).toBeUndefined();
  });

  it('of the list goes when the list comes', () => {
    const state = after(
      { type: 'list', request: 1 },
      { type: 'listFailed', request: 1, what: noAnswer },
      { type: 'list', request: 2 },
      { type: 'listed', request: 2, files: [] },
    );
    expect(state.failure).toBeUndefined();
  });

  it('to send outlasts what happens to the list', () => {
    const failed = after({ type: 'list', request: 1 }, { type: 'send' }, { type: 'sendFailed', what: noAnswer });
    const expected = { during: 'send', what: noAnswer };
    expect(reduce(failed, { type: 'listed', request: 1, files: [] }).failure).toEqual(expected);
    expect(reduce(failed, { type: 'listFailed', request: 1, what: consentNeeded }).failure).toEqual(expected);
  });

  it('that asks to connect the account goes when the list shows that it is', () => {
    const state = after(
      { type: 'send' },
      { type: 'sendFailed', what: consentNeeded },
      { type: 'list', request: 1 },
      { type: 'listed', request: 1, files: [] },
    );
    expect(state.failure).toBeUndefined();
  });
});
