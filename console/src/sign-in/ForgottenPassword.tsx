import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { RequestPasswordResetDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';
import { Door, field } from './Door';

/** Asking for a mail with a link. The answer is the same for every address. */
export function ForgottenPassword() {
  const { busy, error, refusals, perform } = usePerform(RequestPasswordResetDocument);
  const [sentTo, setSentTo] = useState<string>();

  async function submit(fields: FormData) {
    const email = field(fields, 'email');
    if (await perform({ input: { workspace: field(fields, 'workspace'), email } })) setSentTo(email);
  }
  const back = (
    <Link href="/sign-in" className="link">
      {words.forgotten.back}
    </Link>
  );
  if (sentTo !== undefined) {
    return (
      <Door title={words.forgotten.sentTitle} lead={words.forgotten.sent(sentTo)}>
        {back}
      </Door>
    );
  }
  return (
    <Door title={words.forgotten.title} lead={words.forgotten.lead} onSubmit={(fields) => void submit(fields)}>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <TextInput name="workspace" label={words.signIn.workspace} autoCapitalize="none" required withAsterisk={false} />
      <TextInput name="email" type="email" label={words.signIn.email} autoComplete="username" required withAsterisk={false} />
      <Button type="submit" loading={busy} fullWidth>
        {words.forgotten.submit}
      </Button>
      {back}
    </Door>
  );
}
