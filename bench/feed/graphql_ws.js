// The peer: graphql-ws on ws, with graphql-js and a plain pub/sub in memory. POST /publish tells every subscriber of one
// event, POST /gc collects garbage.
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const schema = buildSchema(`
  scalar DateTime
  enum RevocationScope { CURRENT_SESSION VIEWER WORKSPACE }
  enum RevocationReason {
    USER_DEACTIVATED USER_DELETED SESSION_REVOKED SIGNED_OUT PASSWORD_CHANGED TOKEN_REVOKED EXPIRED
  }
  type SessionRevocation {
    cursor: String!
    sessionId: ID!
    userId: ID!
    reason: RevocationReason!
    occurredAt: DateTime!
  }
  type Query { ok: Boolean! }
  type Subscription {
    sessionRevoked(scope: RevocationScope! = CURRENT_SESSION, after: String): SessionRevocation!
  }
`);

const subscribers = new Set();

class Subscriber {
  #waiting = [];
  #wake = null;
  #ended = false;

  constructor() {
    subscribers.add(this);
  }

  push(event) {
    const value = { sessionRevoked: event };
    if (this.#wake) {
      this.#wake({ value, done: false });
      this.#wake = null;
    } else {
      this.#waiting.push(value);
    }
  }

  next() {
    if (this.#waiting.length) return Promise.resolve({ value: this.#waiting.shift(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => (this.#wake = resolve));
  }

  return() {
    subscribers.delete(this);
    this.#ended = true;
    this.#wake?.({ value: undefined, done: true });
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

schema.getSubscriptionType().getFields().sessionRevoked.subscribe = () => new Subscriber();

const id = (kind) => Buffer.from(`${kind}:${crypto.randomUUID()}`).toString('base64url');
let position = 0;

const actions = {
  '/publish': () => {
    const event = {
      cursor: Buffer.from(`0123456789abcdef:${++position}`).toString('base64url'),
      sessionId: id('Session'),
      userId: id('User'),
      reason: 'SIGNED_OUT',
      occurredAt: new Date().toISOString(),
    };
    for (const each of subscribers) each.push(event);
  },
  '/gc': () => {
    globalThis.gc();
    globalThis.gc();
  },
};

const server = createServer((request, response) => {
  actions[request.url]();
  response.end('done');
});

useServer(
  { schema, onConnect: ({ connectionParams }) => Boolean(connectionParams?.authorization?.startsWith('Bearer ')) },
  new WebSocketServer({ server, path: '/graphql' }),
);

server.listen(0, '127.0.0.1', 2048, () => {
  console.log(`graphql-ws is serving on http://127.0.0.1:${server.address().port}/graphql`);
});
