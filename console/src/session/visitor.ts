import { Client, fetchExchange } from '@urql/core';

/** For whoever is not signed in: it keeps nothing. */
export const visitor = new Client({
  url: '/graphql',
  preferGetMethod: false,
  fetchOptions: { headers: { 'X-Offboard-Session': 'cookie' } },
  exchanges: [fetchExchange],
});
