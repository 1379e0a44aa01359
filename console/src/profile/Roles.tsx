import { Checkbox } from '@mantine/core';
import { AssignRoleDocument, RemoveRoleDocument, type Role } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { named, words } from '../words';
import type { Person } from './ProfileScreen';

const ROLES: readonly Role[] = ['OWNER', 'ADMIN', 'AGENT', 'VIEWER'];

interface Props {
  readonly user: Person;
  readonly mine: readonly Role[];
  readonly mayAct: boolean;
}

/** What somebody may do, and where they belong. Each tick is a change at once, and only owners give or take OWNER. */
export function Roles({ user, mine, mayAct }: Props) {
  const assigning = usePerform(AssignRoleDocument);
  const removing = usePerform(RemoveRoleDocument);
  const error = assigning.error ?? removing.error;

  async function change(role: Role, give: boolean) {
    const done = await (give ? assigning : removing).perform({ input: { userId: user.id, role } });
    const tell = give ? words.profile.roleGiven : words.profile.roleTaken;
    if (done) say(tell(user.name, named(words.roles, role)));
  }
  return (
    <section className="panel" aria-labelledby="roles">
      <h2 id="roles">{words.profile.roles}</h2>
      {error && <ErrorNote error={error} />}
      <Refusals of={[...assigning.refusals, ...removing.refusals]} />
      <div className="roles">
        {ROLES.map((role) => (
          <Checkbox
            key={role}
            label={named(words.roles, role)}
            checked={user.roles.includes(role)}
            disabled={!mayAct || assigning.busy || removing.busy || (role === 'OWNER' && !mine.includes('OWNER'))}
            onChange={(event) => void change(role, event.currentTarget.checked)}
          />
        ))}
      </div>
      {user.roles.length === 0 && <p className="muted">{words.profile.noRoles}</p>}
      <h2>{words.profile.teams}</h2>
      <p className={user.teams.length === 0 ? 'muted' : ''}>{user.teams.map((team) => team.name).join(', ') || words.profile.noTeams}</p>
    </section>
  );
}
