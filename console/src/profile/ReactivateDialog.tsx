import { ReactivateUserDocument } from '../api';
import { FormDialog } from '../parts/FormDialog';
import { say } from '../parts/notices';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';

/** Letting somebody in again. */
export function ReactivateDialog({ user, close }: { user: Person; close: () => void }) {
  const { perform, ...state } = usePerform(ReactivateUserDocument);

  async function submit() {
    if (!(await perform({ input: { userId: user.id } }))) return;
    say(words.reactivate.done(user.name));
    close();
  }
  return (
    <FormDialog title={words.reactivate.title(user.name)} submit={words.reactivate.submit} onSubmit={submit} close={close} {...state}>
      <p className="lead">{words.reactivate.lead}</p>
    </FormDialog>
  );
}
