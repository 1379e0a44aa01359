import { Textarea } from '@mantine/core';
import { useState } from 'react';
import { PlaceLegalHoldDocument } from '../api';
import { FormDialog } from '../parts/FormDialog';
import { say } from '../parts/notices';
import { refusalOf } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';

/** Keeping somebody from being deleted, and saying why. */
export function HoldDialog({ user, close }: { user: Person; close: () => void }) {
  const [note, setNote] = useState('');
  const { perform, ...state } = usePerform(PlaceLegalHoldDocument);

  async function submit() {
    if (!(await perform({ input: { userId: user.id, note } }))) return;
    say(words.hold.placed(user.name));
    close();
  }
  return (
    <FormDialog title={words.hold.title(user.name)} submit={words.hold.submit} onSubmit={submit} fields={['note']} close={close} {...state}>
      <p className="muted">{words.hold.lead}</p>
      <Textarea label={words.hold.note} value={note} onChange={(event) => setNote(event.currentTarget.value)} error={refusalOf('note', state.refusals)} rows={2} required withAsterisk={false} data-autofocus />
    </FormDialog>
  );
}
