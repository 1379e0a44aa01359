import { Alert, Button } from '@mantine/core';
import { useState } from 'react';
import { AssignRoleDocument, type Departure } from '../api';
import { ColleaguePicker } from '../parts/ColleaguePicker';
import { ErrorNote } from '../parts/ErrorNote';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';
import { WorkNumbers, workOf } from './WorkloadPanel';

export type Preview = NonNullable<NonNullable<Departure['user']>['departure']>;

export function WhatHappens({ preview }: { preview: Preview }) {
  const tokens = preview.accessTokens ?? [];
  return (
    <section className="happens" aria-labelledby="happens">
      <h3 id="happens">{words.deactivate.happens}</h3>
      <ul>
        <li>{words.deactivate.sessions(preview.liveSessions)}</li>
        {tokens.length > 0 && (
          <li>
            {words.deactivate.tokens(tokens.length)}: {tokens.map((token) => token.name).join(', ')}
          </li>
        )}
        {workOf(preview.workload) === 0 && <li>{words.deactivate.noWork}</li>}
      </ul>
      {workOf(preview.workload) > 0 && <WorkNumbers work={preview.workload} />}
    </section>
  );
}

interface Props {
  readonly user: Person;
  readonly preview: Preview;
  readonly refetch: () => void;
}

/** What stands in the way, and the way out of it. */
export function Blockers({ user, preview, refetch }: Props) {
  return (
    <Alert color="yellow" title={words.deactivate.blocked} role="alert">
      {preview.blockers.map(({ code, message }) => (
        <div key={code}>
          <p>{message}</p>
          {code === 'SOLE_OWNER' && <MakeOwner user={user} done={refetch} />}
        </div>
      ))}
    </Alert>
  );
}

function MakeOwner({ user, done }: { user: Person; done: () => void }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const { busy, error, refusals, perform } = usePerform(AssignRoleDocument);

  async function make() {
    if (chosen !== null && (await perform({ input: { userId: chosen, role: 'OWNER' } }))) done();
  }
  return (
    <div className="way-out">
      <strong>{words.deactivate.soleOwner}</strong>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <div className="way-out-line">
        <ColleaguePicker without={user.id} value={chosen} onChange={setChosen} />
        <Button variant="default" loading={busy} disabled={chosen === null} onClick={() => void make()}>
          {words.deactivate.makeOwner}
        </Button>
      </div>
    </div>
  );
}
