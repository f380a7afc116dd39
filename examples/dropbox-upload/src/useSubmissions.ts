import { useCallback, useEffect, useReducer, useRef } from 'react';

import type { Contact } from './contact';
import { dropboxSubmissions } from './dropbox';
import { explain, type Failure } from './errors/failure';
import { save } from './save';
import { caddyRoute } from './settings';
import { initialState, reduce } from './state';

/** The page's state and what can be done. */
export function useSubmissions() {
  const [state, dispatch] = useReducer(reduce, initialState);
  const requests = useRef(0);

  const refresh = useCallback(async () => {
    const request = ++requests.current;
    dispatch({ type: 'list', request });
    try {
      dispatch({ type: 'listed', request, files: await dropboxSubmissions.list() });
    } catch (error) {
      dispatch({ type: 'listFailed', request, what: failure(error) });
    }
  }, []);

  const send = async (contact: Contact): Promise<boolean> => {
    dispatch({ type: 'send' });
    try {
      dispatch({ type: 'sent', path: await dropboxSubmissions.upload(contact) });
    } catch (error) {
      dispatch({ type: 'sendFailed', what: failure(error) });
      return false;
    }
    void refresh();
    return true;
  };

  const download = async (path: string, name: string): Promise<void> => {
    dispatch({ type: 'download', path });
    try {
      save(await dropboxSubmissions.download(path), name);
      dispatch({ type: 'downloaded', path });
    } catch (error) {
      dispatch({ type: 'downloadFailed', path, what: failure(error) });
    }
  };

  const edit = () => {
    dispatch({ type: 'edit' });
  };

  useEffect(() => {
    void refresh();
  }, [refresh]);

  // The account is connected in another tab or window. Look again when the person comes back.
  const needsConnection = state.failure?.what.connectUrl !== undefined;
  useEffect(() => {
    if (!needsConnection) {
      return;
    }
    const look = () => void refresh();
    window.addEventListener('focus', look);
    return () => {
      window.removeEventListener('focus', look);
    };
  }, [needsConnection, refresh]);

  return { state, send, refresh, download, edit };
}

function failure(error: unknown): Failure {
  return explain(error, { origin: window.location.origin, caddy: new URL(caddyRoute).origin, now: Date.now() });
}
