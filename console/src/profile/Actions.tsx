import { Button } from '@mantine/core';
import { InviteUserDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Dialog, Person } from './ProfileScreen';

/** What can be done with somebody. */
export function Actions({ user, open }: { user: Person; open: (dialog: Dialog) => void }) {
  return (
    <div className="actions">
      {user.status === 'ACTIVE' ? (
        <Button variant="default" onClick={() => open('deactivate')}>
          {words.profile.deactivate}
        </Button>
      ) : (
        <Button onClick={() => open('reactivate')}>{words.profile.reactivate}</Button>
      )}
      {user.invitationPending && user.status === 'ACTIVE' && <Resend user={user} />}
      {!user.legalHold && (
        <Button variant="subtle" onClick={() => open('hold')}>
          {words.hold.place}
        </Button>
      )}
      <Button variant="subtle" color="red" onClick={() => open('delete')}>
        {words.profile.delete}
      </Button>
    </div>
  );
}

/** For somebody who was invited, inviting again sends a new link. */
function Resend({ user }: { user: Person }) {
  const { busy, error, refusals, perform } = usePerform(InviteUserDocument);

  async function resend() {
    const { email, name, roles, teams } = user;
    if (await perform({ input: { email, name, roles, teamIds: teams.map((team) => team.id) } })) say(words.profile.resent(name));
  }
  return (
    <>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <Button variant="default" loading={busy} onClick={() => void resend()}>
        {words.profile.resend}
      </Button>
    </>
  );
}
