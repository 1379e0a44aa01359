import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { Link, useLocation, useSearchParams } from 'wouter';
import { AcceptInvitationDocument, ResetPasswordDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { Refusals, refusalOf } from '../parts/Refusals';
import { begin } from '../session/store';
import { usePerform } from '../session/perform';
import { words } from '../words';
import { Door, field } from './Door';

/** Where the link of a password reset leads. */
export function ResetPassword() {
  const [parameters] = useSearchParams();
  const token = parameters.get('token');
  const { busy, error, refusals, perform } = usePerform(ResetPasswordDocument);
  const [done, setDone] = useState(false);

  async function submit(fields: FormData) {
    if (await perform({ input: { token: token ?? '', newPassword: field(fields, 'password') } })) setDone(true);
  }
  if (token === null) return <Incomplete title={words.reset.title} lead={words.reset.noToken} />;
  if (done) {
    return (
      <Door title={words.reset.doneTitle} lead={words.reset.done}>
        <Link href="/users" className="link">
          {words.signIn.submit}
        </Link>
      </Door>
    );
  }
  return (
    <Door title={words.reset.title} lead={words.reset.lead} onSubmit={(fields) => void submit(fields)}>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} except={['newPassword']}>
        <Link href="/forgotten-password">{words.reset.again}</Link>
      </Refusals>
      <NewPassword label={words.reset.password} problem={refusalOf('newPassword', refusals)} />
      <Button type="submit" loading={busy} fullWidth>
        {words.reset.submit}
      </Button>
    </Door>
  );
}

/** Where the link of an invitation leads: a password, and one is in. */
export function Invitation() {
  const [parameters] = useSearchParams();
  const token = parameters.get('token');
  const [, navigate] = useLocation();
  const { busy, error, refusals, perform } = usePerform(AcceptInvitationDocument);

  async function submit(fields: FormData) {
    if (!(await perform({ input: { token: token ?? '', password: field(fields, 'password') } }))) return;
    navigate('/users', { replace: true });
    begin();
  }
  if (token === null) return <Incomplete title={words.invitation.title} lead={words.invitation.noToken} />;
  return (
    <Door title={words.invitation.title} lead={words.invitation.lead} onSubmit={(fields) => void submit(fields)}>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} except={['password']} />
      <NewPassword label={words.signIn.password} problem={refusalOf('password', refusals)} />
      <Button type="submit" loading={busy} fullWidth>
        {words.invitation.submit}
      </Button>
    </Door>
  );
}

function NewPassword({ label, problem }: { label: string; problem: string | undefined }) {
  return (
    <PasswordInput
      name="password"
      label={label}
      description={words.passwordHelp}
      error={problem}
      aria-invalid={problem !== undefined}
      autoComplete="new-password"
      required
      withAsterisk={false}
    />
  );
}

function Incomplete({ title, lead }: { title: string; lead: string }) {
  return (
    <Door title={title} lead={lead}>
      <Link href="/sign-in" className="link">
        {words.forgotten.back}
      </Link>
    </Door>
  );
}
