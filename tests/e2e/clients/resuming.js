/**
 * A graphql-ws client whose subscriptions go on after the last event that came, instead of where they once began.
 *
 * When graphql-ws connects again it sends each subscription's payload again, and turns it into JSON anew each time: a
 * getter can therefore say where to go on. A subscription takes part if its variables have `after` and its root field
 * selects `cursor`.
 */
export function resuming(client) {
  return {
    ...client,
    subscribe(payload, sink) {
      const { variables } = payload;
      if (variables?.after === undefined) return client.subscribe(payload, sink);
      let after = variables.after;
      return client.subscribe(
        { ...payload, get variables() { return { ...variables, after }; } },
        {
          next(result) {
            for (const event of Object.values(result.data ?? {})) after = event?.cursor ?? after;
            sink.next(result);
          },
          error: (problem) => sink.error(problem),
          complete: () => sink.complete(),
        },
      );
    },
  };
}
