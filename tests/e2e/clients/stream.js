// Watches sessions end over an event stream with graphql-sse and prints what happens, one JSON object a line:
//   node stream.js URL TOKEN [SCOPE [AFTER]]
// Ends by itself when graphql-sse has nothing left to wait for: neither a stream nor a retry.
import { createClient } from 'graphql-sse';
import { resuming } from './resuming.js';
import { untilSignedOut } from './until_signed_out.js';

const [url, token, scope = 'CURRENT_SESSION', after] = process.argv.slice(2);
const say = (event, details) => console.log(JSON.stringify({ event, ...details }));

const client = createClient({
  url,
  headers: { authorization: `Bearer ${token}` },
  ...untilSignedOut(() => Math.random() * 200),
  on: {
    connecting: (isRetry) => say('connecting', { isRetry }),
    connected: () => say('connected'),
  },
});

const refusal = ([{ extensions }]) => ({ code: extensions.code, reason: extensions.reason });

resuming(client).subscribe(
  {
    query: `subscription($scope: RevocationScope!, $after: String) {
      sessionRevoked(scope: $scope, after: $after) { cursor sessionId userId reason }
    }`,
    variables: { scope, after },
  },
  {
    next: ({ data, errors }) => (errors ? say('refused', refusal(errors)) : say('next', data.sessionRevoked)),
    error: (error) => say('error', Array.isArray(error) ? refusal(error) : { problem: String(error) }),
    complete: () => say('complete'),
  },
);
