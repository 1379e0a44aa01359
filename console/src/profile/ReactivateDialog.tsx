import { Button, Modal } from '@mantine/core';
import { ReactivateUserDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';

/** Letting somebody in again. */
export function ReactivateDialog({ user, close }: { user: Person; close: () => void }) {
  const { busy, error, refusals, perform } = usePerform(ReactivateUserDocument);

  async function reactivate() {
    if (!(await perform({ input: { userId: user.id } }))) return;
    say(words.reactivate.done(user.name));
    close();
  }
  return (
    <Modal opened onClose={close} title={words.reactivate.title(user.name)} closeButtonProps={{ 'aria-label': words.close }}>
      <div className="form">
        <p className="lead">{words.reactivate.lead}</p>
        {error && <ErrorNote error={error} />}
        <Refusals of={refusals} />
        <div className="form-actions">
          <Button variant="default" onClick={close}>
            {words.cancel}
          </Button>
          <Button loading={busy} onClick={() => void reactivate()} data-autofocus>
            {words.reactivate.submit}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
