import type { Client, Sink } from 'graphql-ws';
import { expect, it } from 'vitest';
import { resuming } from './resuming';

type Payload = Parameters<Client['subscribe']>[0];

it('goes on after the last event that came', () => {
  const sent: { payload: Payload; sink: Sink }[] = [];
  const heard: unknown[] = [];
  const client = resuming({
    subscribe: (payload, sink) => {
      sent.push({ payload, sink: sink });
      return () => undefined;
    },
  });
  client.subscribe({ query: '', variables: { after: 'first' } }, { next: (value) => heard.push(value), error: () => undefined, complete: () => undefined });
  const [only] = sent;
  expect(only?.payload.variables).toEqual({ after: 'first' });
  only?.sink.next({ data: { userChanged: { cursor: 'second' } } });
  expect(JSON.parse(JSON.stringify(only?.payload))).toEqual({ query: '', variables: { after: 'second' } });
  expect(heard).toHaveLength(1);
});
