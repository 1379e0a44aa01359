import { type Client, createClient } from 'graphql-ws';

const PING_EVERY = 10_000;
const PONG_WITHIN = 5_000;
const LONGEST_PAUSE = 8_000;

interface Events {
  connected(): void;
  lost(): void;
  signedOut(reason: string): void;
}

/**
 * The one socket of a tab. The browser sends the session's cookie with the handshake.
 *
 * It comes back by itself for as long as it takes, at once when the network or the tab does. Only 4401 is final.
 */
export function openSockets(events: Events): Client {
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    keepAlive: PING_EVERY,
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: pause,
    on: {
      connected: () => events.connected(),
      ping(received) {
        if (!received) unanswered = setTimeout(() => client.terminate(), PONG_WITHIN);
      },
      pong(received) {
        if (received) clearTimeout(unanswered);
      },
      closed(event) {
        clearTimeout(unanswered);
        const { code, reason } = event as CloseEvent;
        if (code === 4401) events.signedOut(reason);
        else events.lost();
      },
      error: () => events.lost(),
    },
  });
  return client;
}

/** Twice as long each time, and never quite the same: many clients lose a server at once. */
async function pause(retries: number): Promise<void> {
  const longest = Math.min(500 * 2 ** retries, LONGEST_PAUSE);
  const woken = new AbortController();
  await new Promise<void>((resolve) => {
    setTimeout(resolve, longest * (0.5 + Math.random() / 2));
    addEventListener('online', () => resolve(), { signal: woken.signal });
    document.addEventListener('visibilitychange', () => resolve(), { signal: woken.signal });
  });
  woken.abort();
}
