import type { Submission } from './dropbox';
import type { Failure } from './errors/failure';

/** What the page did when something failed. */
export type Operation = 'send' | 'list' | 'download';

export interface State {
  form: { step: 'editing' } | { step: 'sending' } | { step: 'sent'; path: string };
  list: {
    /** The last list that came; undefined before the first one. */
    files: readonly Submission[] | undefined;
    /** The number of the latest request for a list. */
    request: number;
    loading: boolean;
  };
  /** The paths of the files that are on their way. */
  downloading: readonly string[];
  /** What is to be told. It is one at most, since what was told before is out of date. */
  failure: { during: Operation; what: Failure } | undefined;
}

export type Action =
  | { type: 'send' }
  | { type: 'sent'; path: string }
  | { type: 'edit' }
  | { type: 'list'; request: number }
  | { type: 'listed'; request: number; files: readonly Submission[] }
  | { type: 'listFailed'; request: number; what: Failure }
  | { type: 'download'; path: string }
  | { type: 'downloaded'; path: string }
  | { type: 'downloadFailed'; path: string; what: Failure }
  | { type: 'sendFailed'; what: Failure };

export const initialState: State = {
  form: { step: 'editing' },
  list: { files: undefined, request: 0, loading: false },
  downloading: [],
  failure: undefined,
};

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'send':
      return { ...state, form: { step: 'sending' }, failure: undefined };
    case 'sent':
      return { ...state, form: { step: 'sent', path: action.path } };
    case 'sendFailed':
      return { ...state, form: { step: 'editing' }, failure: { during: 'send', what: action.what } };
    case 'edit':
      // The next person's entries have nothing to do with what was sent before.
      return state.form.step === 'sent' ? { ...state, form: { step: 'editing' } } : state;
    case 'list':
      return { ...state, list: { ...state.list, request: action.request, loading: true } };
    case 'listed':
      return isLatest(state, action.request)
        ? { ...state, list: { ...state.list, files: action.files, loading: false }, failure: afterList(state.failure) }
        : state;
    case 'listFailed':
      return isLatest(state, action.request)
        ? { ...state, list: { ...state.list, loading: false }, failure: afterFailedList(state.failure, action.what) }
        : state;
    case 'download':
      return { ...state, downloading: [...state.downloading, action.path], failure: undefined };
    case 'downloaded':
      return { ...state, downloading: except(state.downloading, action.path) };
    case 'downloadFailed':
      return {
        ...state,
        downloading: except(state.downloading, action.path),
        failure: { during: 'download', what: action.what },
      };
  }
}

// Answers may overtake each other; an old list would hide the file that was just sent.
function isLatest(state: State, request: number): boolean {
  return state.list.request === request;
}

// A list that came shows that the account is connected by now.
function afterList(failure: State['failure']): State['failure'] {
  return failure?.during === 'list' || failure?.what.connectUrl !== undefined ? undefined : failure;
}

// The list is also loaded unasked. It must not take away the answer to what somebody did.
function afterFailedList(failure: State['failure'], what: Failure): State['failure'] {
  return failure === undefined || failure.during === 'list' ? { during: 'list', what } : failure;
}

function except(paths: readonly string[], path: string): readonly string[] {
  return paths.filter((other) => other !== path);
}
