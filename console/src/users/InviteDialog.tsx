import { MultiSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { InviteUserDocument, type Role } from '../api';
import { FormDialog } from '../parts/FormDialog';
import { say } from '../parts/notices';
import { refusalOf } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';

interface Props {
  readonly teams: readonly { readonly id: string; readonly name: string }[];
  readonly isOwner: boolean;
  readonly close: () => void;
}

const FIELDS = ['name', 'email', 'roles'];

/** Asking somebody in. Only owners make owners. */
export function InviteDialog({ teams, isOwner, close }: Props) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [roles, setRoles] = useState<string[]>(['AGENT']);
  const [teamIds, setTeamIds] = useState<string[]>([]);
  const { perform, ...state } = usePerform(InviteUserDocument);
  const choices = Object.entries(words.roles)
    .filter(([value]) => isOwner || value !== 'OWNER')
    .map(([value, label]) => ({ value, label }));

  async function submit() {
    if (!(await perform({ input: { name, email, roles: roles as Role[], teamIds } }))) return;
    say(words.invite.done(name));
    close();
  }
  return (
    <FormDialog title={words.invite.title} submit={words.invite.submit} onSubmit={submit} fields={FIELDS} close={close} {...state}>
      <TextInput label={words.invite.name} value={name} onChange={(event) => setName(event.currentTarget.value)} error={refusalOf('name', state.refusals)} required withAsterisk={false} data-autofocus />
      <TextInput type="email" label={words.invite.email} value={email} onChange={(event) => setEmail(event.currentTarget.value)} error={refusalOf('email', state.refusals)} required withAsterisk={false} />
      <MultiSelect label={words.invite.roles} data={choices} value={roles} onChange={setRoles} error={refusalOf('roles', state.refusals)} />
      <MultiSelect label={words.invite.teams} data={teams.map(({ id, name: label }) => ({ value: id, label }))} value={teamIds} onChange={setTeamIds} searchable />
    </FormDialog>
  );
}
