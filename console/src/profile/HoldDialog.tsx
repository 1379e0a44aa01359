import { Button, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { PlaceLegalHoldDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals, refusalOf } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';

/** Keeping somebody from being deleted, and saying why. */
export function HoldDialog({ user, close }: { user: Person; close: () => void }) {
  const [note, setNote] = useState('');
  const { busy, error, refusals, perform } = usePerform(PlaceLegalHoldDocument);

  async function submit() {
    if (!(await perform({ input: { userId: user.id, note } }))) return;
    say(words.hold.placed(user.name));
    close();
  }
  return (
    <Modal opened onClose={close} title={words.hold.title(user.name)} closeButtonProps={{ 'aria-label': words.close }}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="muted">{words.hold.lead}</p>
        {error && <ErrorNote error={error} />}
        <Refusals of={refusals} except={['note']} />
        <Textarea label={words.hold.note} value={note} onChange={(event) => setNote(event.currentTarget.value)} error={refusalOf('note', refusals)} rows={2} required withAsterisk={false} data-autofocus />
        <div className="form-actions">
          <Button variant="default" onClick={close}>
            {words.cancel}
          </Button>
          <Button type="submit" loading={busy}>
            {words.hold.submit}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
