import { Button, PasswordInput, TextInput } from '@mantine/core';
import { Link } from 'wouter';
import { SignInDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { Refusals } from '../parts/Refusals';
import type { Reason } from '../session/session';
import { begin } from '../session/store';
import { usePerform } from '../session/perform';
import { named, words } from '../words';
import { Door, field } from './Door';

const WORKSPACE = 'offboard.workspace';

/** Where a session begins, and where it ends: then it says why. */
export function SignIn({ reason }: { reason: Reason | null }) {
  const { busy, error, refusals, perform } = usePerform(SignInDocument);

  async function submit(fields: FormData) {
    const [workspace, email, password] = ['workspace', 'email', 'password'].map((name) => field(fields, name)) as [string, string, string];
    if (!(await perform({ input: { workspace, email, password } }))) return;
    localStorage.setItem(WORKSPACE, workspace);
    begin();
  }
  return (
    <Door title={words.signIn.title} notice={reason && <WhyOver reason={reason} />} onSubmit={(fields) => void submit(fields)}>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <TextInput
        name="workspace"
        label={words.signIn.workspace}
        description={words.signIn.workspaceHelp}
        defaultValue={localStorage.getItem(WORKSPACE) ?? ''}
        autoComplete="organization"
        autoCapitalize="none"
        required
        withAsterisk={false}
      />
      <TextInput name="email" type="email" label={words.signIn.email} autoComplete="username" required withAsterisk={false} />
      <PasswordInput name="password" label={words.signIn.password} autoComplete="current-password" required withAsterisk={false} />
      <Button type="submit" loading={busy} fullWidth>
        {words.signIn.submit}
      </Button>
      <Link href="/forgotten-password" className="link">
        {words.signIn.forgotten}
      </Link>
    </Door>
  );
}

function WhyOver({ reason }: { reason: Reason }) {
  return (
    <div className={`why-over why-${reason.toLowerCase()}`} role="alert">
      <strong>{named(words.over, reason)}</strong>
      <span>{named(words.overHelp, reason)}</span>
    </div>
  );
}
