import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { createClient } from 'graphql-ws';

const SOCKETS = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`;

/** Sends an operation, with the headers that were typed in: a subscription over a socket of its own, others by POST. */
export const ask: Fetcher = (parameters, options) => {
  const given = Object.entries<string>(options?.headers ?? {});
  const headers = Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value]));
  return isSubscription(parameters) ? watch(parameters, headers) : post(parameters, headers);
};

/** By the text that is sent: what GraphiQL knows of the operation is a moment older. */
function isSubscription({ query, operationName }: FetcherParams): boolean {
  try {
    return getOperationAST(parse(query), operationName)?.operation === OperationTypeNode.SUBSCRIPTION;
  } catch {
    return false; // the server says what is wrong with it
  }
}

async function post(parameters: FetcherParams, headers: Record<string, string>): Promise<object> {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-offboard-session': 'cookie', ...headers },
    body: JSON.stringify(parameters),
  });
  return (await answer.json()) as object;
}

async function* watch(parameters: FetcherParams, { authorization }: Record<string, string>): AsyncGenerator<object> {
  const client = createClient({ url: SOCKETS, ...(authorization && { connectionParams: { authorization } }) });
  try {
    yield* client.iterate(parameters);
  } catch (end) {
    // A socket's end is told as an event, whose code and reason say why: 4401 SIGNED_OUT.
    if (end instanceof CloseEvent) throw new Error(`The socket was closed: ${end.code} ${end.reason}`, { cause: end });
    throw end;
  }
}
