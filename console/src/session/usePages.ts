import { useCallback, useEffect, useRef, useState } from 'react';
import type { AnyVariables, CombinedError, DocumentInput } from 'urql';
import type { Screen } from '../api';
import { useSession } from './hooks';

/** Some rows of a list, and the cursor of what follows; null at its end. */
export interface PageOf<Row> {
  readonly rows: readonly Row[];
  readonly after: string | null;
}

interface Connection<Row> {
  readonly edges: readonly { readonly node: Row }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

/** A page as the server gives it; none for a list that the viewer may not read. */
export function pageOf<Row>(connection: Connection<Row> | null | undefined): PageOf<Row> {
  if (!connection) return { rows: [], after: null };
  const { hasNextPage, endCursor } = connection.pageInfo;
  return { rows: connection.edges.map((edge) => edge.node), after: hasNextPage ? endCursor : null };
}

interface Source<First, More, Row, Variables extends AnyVariables> {
  readonly first: DocumentInput<First, Variables>;
  readonly more: DocumentInput<More, Variables & { after: string }>;
  /** Must keep its identity while the same is asked for. */
  readonly variables: Variables;
  readonly pageIn: (data: First | More) => PageOf<Row>;
}

interface Pages<First, Row> {
  /** The first page's answer, once it is there. */
  readonly data: First | undefined;
  readonly rows: readonly Row[];
  readonly isComplete: boolean;
  /** The rows are those of an earlier question; the answer to this one is on its way. */
  readonly isOld: boolean;
  readonly error: CombinedError | undefined;
  readonly more: () => void;
  readonly refetch: () => void;
}

interface Loaded<First, Row> extends PageOf<Row> {
  readonly asked: unknown;
  readonly data: First;
}

/** A screen's list, page by page as far as it is asked for. */
export function usePages<First extends Screen, More, Row, Variables extends AnyVariables>(
  source: Source<First, More, Row, Variables>,
): Pages<First, Row> {
  const session = useSession();
  const { first, more: next, variables, pageIn } = source;
  const [loaded, setLoaded] = useState<Loaded<First, Row>>();
  const [error, setError] = useState<CombinedError>();
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const request = session.client.query(first, variables, { requestPolicy: 'network-only' }).subscribe(({ data, error: failed }) => {
      setError(failed);
      if (!data) return;
      session.introduce(data);
      setLoaded({ asked: variables, data, ...pageIn(data) });
    });
    return () => request.unsubscribe();
  }, [session, first, variables, pageIn, attempt]);

  const loading = useRef<string>(null);
  const more = useCallback(() => {
    const after = loaded?.after;
    if (!loaded || after == null || loading.current === after || loaded.asked !== variables) return;
    loading.current = after;
    void session.client
      .query(next, { ...variables, after }, { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ data }) => {
        loading.current = null;
        if (!data) return;
        const page = pageIn(data);
        setLoaded((now) => (now?.asked === variables && now.after === after ? { ...now, rows: [...now.rows, ...page.rows], after: page.after } : now));
      });
  }, [session, next, variables, pageIn, loaded]);

  return {
    data: loaded?.data,
    rows: loaded?.rows ?? [],
    isComplete: loaded?.after === null,
    isOld: loaded?.asked !== variables,
    error,
    more,
    refetch: useCallback(() => setAttempt((number) => number + 1), []),
  };
}
