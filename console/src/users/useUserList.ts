import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import type { CombinedError } from 'urql';
import { MoreUsersDocument, UserCountsDocument, UsersDocument, type UserFilter, type UserStatus, type Users } from '../api';
import { useSession, useUserChanges } from '../session/hooks';
import { pageOf } from '../session/usePages';
import type { UserChange } from '../session/session';
import { type Action, filterOf, type Filters, type List, next } from './list';

const LEAVING = 320;
const ARRIVING = 1_600;
const COUNTED_AFTER = 200;

type Counts = Readonly<Record<UserStatus, number>>;

interface UserList {
  readonly list: List | null;
  readonly counts: Counts | undefined;
  readonly teams: Users['teams'];
  readonly error: CombinedError | undefined;
  readonly retry: () => void;
  readonly more: () => void;
}

/** The users that fit some filters, page by page as far as asked for, and live: each change is shown as it happens. */
export function useUserList(filters: Filters): UserList {
  const session = useSession();
  const [list, dispatch] = useReducer(next, null);
  const [counts, setCounts] = useState<Counts>();
  const [teams, setTeams] = useState<Users['teams']>([]);
  const [error, setError] = useState<CombinedError>();
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => setAttempt((number) => number + 1), []);
  const unsure = list?.unsure ?? 0;

  // What changes while an answer is on its way may be newer than the answer: it is told again afterwards.
  const meanwhile = useRef<UserChange[]>(null);
  const arrive = useCallback((action: Action) => {
    dispatch(action);
    for (const change of meanwhile.current ?? []) dispatch({ kind: 'changed', change });
    meanwhile.current = null;
  }, []);

  useEffect(() => {
    meanwhile.current = [];
    const request = session.client
      .query(UsersDocument, { filter: filterOf(filters), ...both(filters) }, { requestPolicy: 'network-only' })
      .subscribe(({ data, error: failed }) => {
        setError(failed);
        if (!data) return;
        session.introduce(data);
        setTeams(data.teams);
        setCounts(counted(data));
        if (data.page) arrive({ kind: 'loaded', filters, page: pageOf(data.page) });
      });
    return () => request.unsubscribe();
  }, [session, filters, attempt, unsure, arrive]);

  const recount = useRecount(filters, setCounts);
  useUserChanges(
    useCallback(
      (change: UserChange) => {
        meanwhile.current?.push(change);
        dispatch({ kind: 'changed', change });
        recount();
      },
      [recount],
    ),
  );
  useLater(list?.leaving, LEAVING, (ids) => dispatch({ kind: 'left', ids }));
  useLater(list?.arriving, ARRIVING, (ids) => dispatch({ kind: 'arrived', ids }));

  const loading = useRef<string>(null);
  const more = useCallback(() => {
    const from = list?.after;
    if (!list || from == null || loading.current === from) return;
    loading.current = from;
    meanwhile.current = [];
    void session.client
      .query(MoreUsersDocument, { filter: filterOf(list.filters), after: from }, { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ data }) => {
        loading.current = null;
        if (data) arrive({ kind: 'more', filters: list.filters, from, page: pageOf(data.page) });
      });
  }, [session, list, arrive]);

  return { list: list?.filters.status === filters.status ? list : null, counts, teams, error, retry, more };
}

/** Hand some ids on after a while. */
function useLater(ids: ReadonlySet<string> | undefined, pause: number, act: (ids: ReadonlySet<string>) => void): void {
  const handOn = useRef(act);
  useEffect(() => {
    if (ids?.size) setTimeout(() => handOn.current(ids), pause);
  }, [ids, pause]);
}

/** Counts both tabs again, once for changes that come together. */
function useRecount(filters: Filters, setCounts: (counts: Counts) => void): () => void {
  const { client } = useSession();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), [filters]);
  return useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      void client
        .query(UserCountsDocument, both(filters), { requestPolicy: 'network-only' })
        .toPromise()
        .then(({ data }) => {
          if (data) setCounts(counted(data));
        });
    }, COUNTED_AFTER);
  }, [client, filters, setCounts]);
}

const both = (filters: Filters): { active: UserFilter; inactive: UserFilter } => ({
  active: filterOf({ ...filters, status: 'ACTIVE' }),
  inactive: filterOf({ ...filters, status: 'INACTIVE' }),
});

const counted = ({ active, inactive }: Pick<Users, 'active' | 'inactive'>): Counts => ({
  ACTIVE: active?.totalCount ?? 0,
  INACTIVE: inactive?.totalCount ?? 0,
});
