import { Button, Radio, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { DeleteUserDocument, type DeletionReason } from '../api';
import { FormDialog } from '../parts/FormDialog';
import { say } from '../parts/notices';
import { refusalOf } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';

const REASONS = Object.keys(words.delete.reasons) as DeletionReason[];

interface Props {
  readonly user: Person;
  readonly isOwner: boolean;
  readonly instead: () => void;
  readonly close: () => void;
}

/** Deleting somebody for good: what goes, what stays, and what one may rather want. */
export function DeleteDialog({ user, isOwner, instead, close }: Props) {
  const [reason, setReason] = useState<DeletionReason>(user.status === 'ACTIVE' ? 'CREATED_IN_ERROR' : 'OFFBOARDED');
  const [confirmation, setConfirmation] = useState('');
  const [, navigate] = useLocation();
  const { perform, ...state } = usePerform(DeleteUserDocument);

  async function submit() {
    if (!(await perform({ input: { userId: user.id, confirmation, reason } }))) return;
    say(words.delete.done(user.name));
    navigate('/users', { replace: true });
  }
  return (
    <FormDialog
      title={words.delete.title(user.name)}
      size="lg"
      submit={words.delete.submit}
      onSubmit={submit}
      isDangerous
      isDisabled={confirmation === ''}
      fields={['confirmation']}
      close={close}
      {...state}
    >
      <div className="goes-stays">
        <Listed title={words.delete.goes} items={words.delete.goesList} />
        <Listed title={words.delete.stays} items={words.delete.staysList} />
      </div>
      {user.status === 'ACTIVE' && (
        <p className="instead">
          {words.delete.instead}{' '}
          <Button size="compact-sm" variant="default" onClick={instead}>
            {words.delete.insteadButton}
          </Button>
        </p>
      )}
      <Radio.Group label={words.delete.reason} value={reason} onChange={(value) => setReason(value)}>
        <div className="choices">
          {REASONS.map((each) => (
            <Radio key={each} value={each} label={words.delete.reasons[each]} description={words.delete.reasonHelp[each]} disabled={each === 'PRIVACY_REQUEST' && !isOwner} />
          ))}
        </div>
      </Radio.Group>
      <TextInput
        label={words.delete.confirm(user.email)}
        value={confirmation}
        onChange={(event) => setConfirmation(event.currentTarget.value)}
        error={refusalOf('confirmation', state.refusals)}
        autoComplete="off"
        autoCapitalize="none"
      />
    </FormDialog>
  );
}

function Listed({ title, items }: { title: string; items: readonly string[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </section>
  );
}
