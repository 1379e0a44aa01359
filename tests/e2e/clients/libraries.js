// Signs in, reads a page, and follows the workspace's sessions until a session ends, with the libraries that apps use:
//   node libraries.js LIBRARY URL TOKEN
// Prints what it reads and hears, one JSON object a line.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client, fetchExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [library, url, token] = process.argv.slice(2);
const say = (event, details) => console.log(JSON.stringify({ event, ...details }));
const headers = { authorization: `Bearer ${token}` };

const PAGE = 'query Page($first: Int!) { viewer { __typename id name } users(first: $first) { totalCount } }';
const SESSIONS = 'subscription Sessions { sessionRevoked(scope: CURRENT_SESSION) { __typename sessionId reason } }';
const WRONG = 'query Wrong { nothing }';

const socket = () =>
  createClient({ url: url.replace('http', 'ws'), connectionParams: headers, webSocketImpl: WebSocket, retryAttempts: 0 });

const libraries = {
  async apollo() {
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.split(
        ({ operationType }) => operationType === 'subscription',
        new GraphQLWsLink(socket()),
        new HttpLink({ uri: url, headers }),
      ),
    });
    return {
      read: async () => (await client.query({ query: gql(PAGE), variables: { first: 1 } })).data,
      fail: () => client.query({ query: gql(WRONG) }).catch((error) => error.errors?.[0]?.extensions.code ?? String(error)),
      follow: (heard, ended) =>
        client.subscribe({ query: gql(SESSIONS) }).subscribe({ next: ({ data }) => data && heard(data), error: ended, complete: ended }),
    };
  },
  // Subscriptions as event streams, which urql takes with `fetchSubscriptions`.
  async urql() {
    const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, fetchOptions: { headers }, preferGetMethod: false });
    return {
      read: async () => (await client.query(PAGE, { first: 1 })).data,
      fail: async () => (await client.query(WRONG, {})).error.graphQLErrors[0].extensions.code,
      follow: (heard, ended) => {
        client.subscription(SESSIONS, {}).subscribe(({ data, hasNext }) => {
          if (data) heard(data);
          if (!hasNext) ended();
        });
      },
    };
  },
  async 'graphql-request'() {
    const client = new GraphQLClient(url, { headers });
    return {
      read: () => client.request(PAGE, { first: 1 }),
      fail: () => client.request(WRONG).catch((error) => error.response.errors[0].extensions.code),
    };
  },
};

const { read, fail, follow } = await libraries[library]();
say('read', await read());
say('refused', { code: await fail() });
if (follow) {
  follow((data) => say('heard', data.sessionRevoked), () => say('ended'));
  setTimeout(() => say('following'), 300);
}
