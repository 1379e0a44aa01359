import { createContext, useCallback, useContext, useEffect, useSyncExternalStore } from 'react';
import { type AnyVariables, type CombinedError, type DocumentInput, useQuery } from 'urql';
import type { Screen } from '../api';
import type { Connection, Session, UserChange } from './session';

export const SessionContext = createContext<Session | null>(null);

/** The session of this screen. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('There is no session here.');
  return session;
}

/** Who looks at the screen, once that is known. */
export function useViewer(): Screen | null {
  const { screen } = useSession();
  return useSyncExternalStore(screen.watch, screen.get);
}

export function useConnection(): Connection {
  const { connection } = useSession();
  return useSyncExternalStore(connection.watch, connection.get);
}

/** Be told of users as they change, while the component is there. */
export function useUserChanges(listener: (change: UserChange) => void): void {
  const session = useSession();
  useEffect(() => session.onUser(listener), [session, listener]);
}

interface Answer<Data> {
  readonly data: Data | undefined;
  readonly error: CombinedError | undefined;
  readonly refetch: () => void;
}

/** A screen's one query. Its answer also says who looks, and where the feed of events stands. */
export function useScreen<Data extends Screen, Variables extends AnyVariables>(
  query: DocumentInput<Data, Variables>,
  variables: Variables,
): Answer<Data> {
  const session = useSession();
  const [{ data, error }, execute] = useQuery({ query, variables, requestPolicy: 'cache-and-network' });
  useEffect(() => {
    if (data) session.introduce(data);
  }, [session, data]);
  const refetch = useCallback(() => execute({ requestPolicy: 'network-only' }), [execute]);
  return { data, error, refetch };
}
