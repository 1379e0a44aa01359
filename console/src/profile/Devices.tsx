import { Button } from '@mantine/core';
import { type Device, RevokeAllSessionsDocument, RevokeSessionDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { DeviceIcon, KeyIcon, PhoneIcon } from '../parts/icons';
import { say } from '../parts/notices';
import { Refusals } from '../parts/Refusals';
import { Time } from '../parts/Time';
import { usePerform } from '../session/perform';
import { words } from '../words';
import { nameOf } from './devices';
import type { Person } from './ProfileScreen';

const ICONS: Readonly<Record<string, typeof DeviceIcon>> = { WEB: DeviceIcon, MOBILE: PhoneIcon, API: KeyIcon };

interface Props {
  readonly user: Person;
  readonly sessions: readonly Device[];
  readonly mayAct: boolean;
  readonly isMe: boolean;
  readonly refetch: () => void;
}

/** Where somebody is signed in. The viewer's own device stays signed in unless it is ended by itself. */
export function Devices({ user, sessions, mayAct, isMe, refetch }: Props) {
  const one = usePerform(RevokeSessionDocument);
  const all = usePerform(RevokeAllSessionsDocument);
  const error = one.error ?? all.error;
  const others = sessions.filter((session) => !session.current);

  function told(payload: { readonly revokedSessions: number } | null) {
    if (!payload) return;
    say(words.profile.signedOut(payload.revokedSessions));
    refetch();
  }
  return (
    <section className="panel panel-wide" aria-labelledby="devices">
      <div className="panel-head">
        <h2 id="devices">{words.profile.devices}</h2>
        {mayAct && others.length > 0 && (
          <Button size="xs" variant="default" loading={all.busy} onClick={() => void all.perform({ input: { userId: user.id, exceptCurrent: true } }).then(told)}>
            {isMe ? words.profile.signOutOthers : words.profile.signOutAll}
          </Button>
        )}
      </div>
      {error && <ErrorNote error={error} />}
      <Refusals of={[...one.refusals, ...all.refusals]} />
      {sessions.length === 0 && <p className="muted">{words.profile.noDevices}</p>}
      <ul className="devices">
        {sessions.map((session) => {
          const Icon = ICONS[session.client] ?? KeyIcon;
          const name = nameOf(session) ?? words.profile.unknownDevice;
          return (
            <li key={session.id}>
              <Icon />
              <span className="who">
                <span>
                  {name} {session.current && <span className="badge badge-good">{words.profile.thisDevice}</span>}
                </span>
                <span className="muted">
                  {session.ipAddress && `${session.ipAddress} · `}
                  <Time at={session.lastSeenAt} />
                </span>
              </span>
              {mayAct && (
                <Button
                  size="xs"
                  variant="subtle"
                  aria-label={words.profile.signOutOf(name)}
                  disabled={one.busy}
                  onClick={() => void one.perform({ input: { sessionId: session.id } }).then(told)}
                >
                  {words.profile.signOut}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
