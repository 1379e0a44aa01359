import { Session, type Reason } from './session';
import { Value } from './value';

export type State = { readonly kind: 'open'; readonly session: Session } | { readonly kind: 'over'; readonly reason: Reason | null };
type Message = { readonly kind: 'began' } | { readonly kind: 'over'; readonly reason: Reason | null };

const tabs = new BroadcastChannel('offboard');
let heard: Reason | null = null;

/** The session of this tab. It starts open: whether the browser has one, the first answer tells. */
export const state = new Value<State>(open());

/** Start anew with an empty memory, after signing in. */
export function begin(): void {
  restart();
  tell({ kind: 'began' });
}

/** End the session here and forget everything that was read with it; the other tabs look after theirs. */
export function end(reason: Reason | null): void {
  const current = state.get();
  if (current.kind === 'over') {
    if (current.reason === null && reason !== null) state.set({ kind: 'over', reason });
    return;
  }
  state.set({ kind: 'over', reason: reason ?? heard });
  heard = null;
  current.session.close();
  tell({ kind: 'over', reason });
}

function open(): State {
  const session: Session = new Session({
    ended: (reason) => {
      if (isCurrent(session)) end(reason);
    },
    outdated: () => {
      if (isCurrent(session)) restart();
    },
  });
  return { kind: 'open', session };
}

function isCurrent(session: Session): boolean {
  const current = state.get();
  return current.kind === 'open' && current.session === session;
}

function restart(): void {
  const current = state.get();
  heard = null;
  state.set(open());
  if (current.kind === 'open') current.session.close();
}

function tell(message: Message): void {
  tabs.postMessage(message);
}

function check(): void {
  const current = state.get();
  if (current.kind === 'open') void current.session.check();
}

tabs.onmessage = ({ data }: MessageEvent<Message>) => {
  if (data.kind === 'began') {
    restart();
  } else if (state.get().kind === 'over') {
    end(data.reason);
  } else {
    heard = data.reason;
    check();
  }
};

addEventListener('online', check);
addEventListener('offline', () => {
  const current = state.get();
  if (current.kind === 'open') current.session.disconnect();
});

// A page that the Back button brings out of the browser's memory must not show what its session could read.
for (const event of ['pagehide', 'pageshow'] as const) {
  addEventListener(event, ({ persisted }) => {
    if (persisted) restart();
  });
}
