import type { Client } from 'graphql-ws';

/**
 * A graphql-ws client whose subscriptions go on after the last event that came, instead of where they once began.
 *
 * When graphql-ws connects again it sends each subscription's payload again, and turns it into JSON anew each time: a
 * getter can therefore say where to go on. A subscription takes part if its variables have `after` and its root field
 * selects `cursor`.
 */
export function resuming(client: Pick<Client, 'subscribe'>): Pick<Client, 'subscribe'> {
  return {
    subscribe(payload, sink) {
      const { variables } = payload;
      if (typeof variables?.['after'] !== 'string') return client.subscribe(payload, sink);
      let { after } = variables;
      return client.subscribe(
        {
          ...payload,
          get variables() {
            return { ...variables, after };
          },
        },
        {
          next(result) {
            for (const event of Object.values(result.data ?? {})) after = cursorOf(event) ?? after;
            sink.next(result as Parameters<typeof sink.next>[0]);
          },
          error: (problem) => sink.error(problem),
          complete: () => sink.complete(),
        },
      );
    },
  };
}

function cursorOf(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null || !('cursor' in event)) return undefined;
  return typeof event.cursor === 'string' ? event.cursor : undefined;
}
