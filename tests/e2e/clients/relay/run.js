// Compiles staff.js with Relay's compiler, then pages, refetches, deactivates and listens through Relay's runtime:
//   node relay/run.js URL TOKEN USER
// Prints what its store has after each, one JSON object a line.
const { execFileSync } = require('node:child_process');
const { mkdirSync } = require('node:fs');
const compiler = require('relay-compiler');
const relay = require('relay-runtime');
const { createClient } = require('graphql-ws');
const WebSocket = require('ws');

const [url, token, userId] = process.argv.slice(2);
const say = (event, details) => console.log(JSON.stringify({ event, ...details }));

mkdirSync(`${__dirname}/__generated__`, { recursive: true });
execFileSync(compiler, ['relay.config.json'], { cwd: __dirname, stdio: ['ignore', 'ignore', 'inherit'] });
const artifact = (name) => require(`./__generated__/${name}.graphql.js`);

const authorization = `Bearer ${token}`;
const socket = createClient({ url: url.replace('http', 'ws'), connectionParams: { authorization }, webSocketImpl: WebSocket });

async function ask({ text }, variables) {
  const headers = { 'content-type': 'application/json', authorization };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) });
  return answer.json();
}

function follow({ text, name }, variables) {
  return relay.Observable.create((sink) => socket.subscribe({ query: text, operationName: name, variables }, sink));
}

const environment = new relay.Environment({
  network: relay.Network.create(ask, follow),
  store: new relay.Store(new relay.RecordSource()),
});

async function load(name, variables) {
  const operation = relay.createOperationDescriptor(artifact(name), variables);
  environment.retain(operation);
  await relay.fetchQuery(environment, artifact(name), variables).toPromise();
  return environment.lookup(operation.fragment).data;
}

const read = (fragment, from) => environment.lookup(relay.getSingularSelector(artifact(fragment), from)).data;
const person = (from) => read('staff_person', from);

async function walk() {
  const query = await load('staffQuery', { first: 2 });
  const page = () => read('staff_users', query).users;
  const show = () => say('page', { names: page().edges.map(({ node }) => person(node).name), total: page().totalCount });
  show();
  while (page().pageInfo.hasNextPage) {
    await load('staffPageQuery', { first: 2, after: page().pageInfo.endCursor });
    show();
  }
  return page().edges.map(({ node }) => node).find(({ id }) => id === userId);
}

async function main() {
  const ana = await walk();
  await load('staffPersonQuery', { id: userId });
  say('refetched', person(ana));

  const heard = new Promise((resolve) => {
    const next = ({ sessionRevoked }) => resolve(sessionRevoked);
    relay.requestSubscription(environment, { subscription: artifact('staffSessionsSubscription'), variables: {}, onNext: next });
  });
  // Sent after the subscription on the same socket: once it is answered, the subscription stands.
  await new Promise((complete) => socket.subscribe({ query: '{ __typename }' }, { next() {}, error: complete, complete }));

  const { deactivateUser } = await new Promise((onCompleted, onError) =>
    relay.commitMutation(environment, {
      mutation: artifact('staffDeactivateMutation'),
      variables: { input: { userId, reason: 'OTHER' } },
      onCompleted,
      onError,
    }),
  );
  say('deactivated', { revokedSessions: deactivateUser.revokedSessions, errors: deactivateUser.errors, ...person(ana) });
  say('heard', await heard);
  await socket.dispose();
}

main();
