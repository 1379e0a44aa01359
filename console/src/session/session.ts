import { cacheExchange, Client, fetchExchange, mapExchange, type CombinedError, subscriptionExchange } from '@urql/core';
import type { Client as Sockets } from 'graphql-ws';
import { CheckDocument, type RevocationReason, type Screen, SessionRevokedDocument, type UserChanged, UserChangedDocument } from '../api';
import { resuming } from './resuming';
import { openSockets } from './sockets';
import { Value } from './value';

export type UserChange = UserChanged['userChanged'];
export type Reason = RevocationReason;
export type Connection = 'new' | 'connected' | 'reconnecting';

/** What a session tells whoever keeps it. */
interface Keeper {
  /** It has ended, and why if the server said so. */
  ended(reason: Reason | null): void;
  /** Events are missing, or the rights have changed: everything must be read anew. */
  outdated(): void;
}

/** Everything that was read with one session: its cache, its socket, who it belongs to. Closing it forgets all. */
export class Session {
  static #last = 0;
  readonly number = ++Session.#last;
  readonly connection = new Value<Connection>('new');
  readonly screen = new Value<Screen | null>(null);
  readonly client: Client;
  readonly #sockets: Sockets;
  readonly #keeper: Keeper;
  readonly #listeners = new Set<(change: UserChange) => void>();
  readonly #following: { unsubscribe(): void }[] = [];

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    this.#sockets = openSockets({
      connected: () => this.connection.set('connected'),
      lost: () => this.connection.set('reconnecting'),
      signedOut: (reason) => keeper.ended(reason === 'Unauthorized' ? null : (reason as Reason)),
    });
    this.client = this.#connect();
  }

  /** Take in whose session it is, and follow the feed from there. */
  introduce(screen: Screen): void {
    this.screen.set(screen);
    if (this.#following.length === 0) this.#follow(screen.feedPosition);
  }

  /** Be told of users as they change. */
  onUser(listener: (change: UserChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ask the server whether the session lives; if not, its keeper is told. */
  async check(): Promise<void> {
    const { data } = await this.client.query(CheckDocument, {}, { requestPolicy: 'network-only' }).toPromise();
    if (data) this.screen.set(data);
  }

  /** The network is gone: do not wait until the socket notices. */
  disconnect(): void {
    this.#sockets.terminate();
  }

  close(): void {
    for (const each of this.#following) each.unsubscribe();
    this.#listeners.clear();
    this.screen.set(null);
    // A socket that could not be opened need not be closed.
    Promise.resolve(this.#sockets.dispose()).catch(() => undefined);
  }

  #connect(): Client {
    const sockets = resuming(this.#sockets);
    return new Client({
      url: '/graphql',
      preferGetMethod: false,
      fetchOptions: { headers: { 'X-Offboard-Session': 'cookie' } },
      exchanges: [
        mapExchange({ onError: (error) => this.#failed(error) }),
        cacheExchange,
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: (request) => ({
            subscribe: (sink) => ({
              unsubscribe: sockets.subscribe({ query: request.query ?? '', variables: request.variables ?? {} }, sink as never),
            }),
          }),
        }),
      ],
    });
  }

  #follow(after: string): void {
    this.#following.push(
      this.client.subscription(SessionRevokedDocument, { after }).subscribe(({ data }) => {
        if (data) this.#keeper.ended(data.sessionRevoked.reason);
      }),
      this.client.subscription(UserChangedDocument, { after }).subscribe(({ data }) => {
        if (data) this.#tell(data.userChanged);
      }),
    );
  }

  #tell(change: UserChange): void {
    if (change.userId === this.screen.get()?.viewer?.id) this.#keeper.outdated();
    for (const listener of this.#listeners) listener(change);
  }

  #failed(error: CombinedError): void {
    for (const { extensions } of error.graphQLErrors) {
      if (extensions['code'] === 'UNAUTHENTICATED') {
        this.#keeper.ended((extensions['reason'] as Reason | undefined) ?? null);
        return;
      }
      if (extensions['code'] === 'CURSOR_EXPIRED') this.#keeper.outdated();
    }
  }
}
