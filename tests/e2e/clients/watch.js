// Watches sessions end with graphql-ws as it comes and prints what happens, one JSON object a line:
//   node watch.js URL TOKEN [SCOPE [AFTER]] [--patient]
// Ends by itself when graphql-ws has nothing left to wait for: neither a socket nor a retry.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { resuming } from './resuming.js';

const [url, token, scope = 'CURRENT_SESSION', after] = process.argv.slice(2).filter((each) => each !== '--patient');
const say = (event, details) => console.log(JSON.stringify({ event, ...details }));

const client = createClient({
  url,
  connectionParams: { authorization: `Bearer ${token}` },
  webSocketImpl: WebSocket,
  ...(process.argv.includes('--patient') && { shouldRetry: () => true }),
});
client.on('connecting', (isRetry) => say('connecting', { isRetry }));
client.on('closed', ({ code, reason }) => say('closed', { code, reason }));

const problem = (error) =>
  'code' in error ? { code: error.code, reason: error.reason } : { problem: error[0]?.extensions?.code ?? String(error) };

resuming(client).subscribe(
  {
    query: `subscription($scope: RevocationScope!, $after: String) {
      sessionRevoked(scope: $scope, after: $after) { cursor sessionId userId reason }
    }`,
    variables: { scope, after },
  },
  {
    next: ({ data }) => say('next', data.sessionRevoked),
    error: (error) => say('error', problem(error)),
    complete: () => say('complete'),
  },
);
// Sent after the subscription on the same socket: once it is answered, the subscription stands.
client.subscribe({ query: '{ __typename }' }, { next: () => say('ready'), error: () => {}, complete: () => {} });
