import { Button, Skeleton, TextInput } from '@mantine/core';
import { useState } from 'react';
import { type Settings, SettingsDocument, UpdateWorkspaceDocument } from '../api';
import { Page } from '../frame/Page';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals, refusalOf } from '../parts/Refusals';
import { useScreen } from '../session/hooks';
import { usePerform } from '../session/perform';
import { words } from '../words';
import { AccessTokens } from './AccessTokens';

/** The workspace, how long records are kept, and the access tokens of partners; for owners. */
export function SettingsScreen() {
  const { data, error, refetch } = useScreen(SettingsDocument, {});
  if (!data) return error ? <ErrorNote error={error} retry={refetch} /> : <Skeleton height={320} />;
  return (
    <Page title={words.settings.title}>
      <WorkspaceForm workspace={data.workspace} />
      {data.accessTokens ? <AccessTokens tokens={data.accessTokens} refetch={refetch} /> : error && <ErrorNote error={error} />}
    </Page>
  );
}

function WorkspaceForm({ workspace }: { workspace: Settings['workspace'] }) {
  const [name, setName] = useState(workspace.name);
  const [days, setDays] = useState(String(workspace.retentionDays));
  const [deleteAfter, setDeleteAfter] = useState(String(workspace.deleteAfterDays ?? ''));
  const { busy, error, refusals, perform } = usePerform(UpdateWorkspaceDocument);

  async function submit() {
    if (await perform({ input: { name, retentionDays: Number(days), deleteAfterDays: deleteAfter === '' ? null : Number(deleteAfter) } })) say(words.saved);
  }
  return (
    <section className="panel" aria-labelledby="workspace">
      <h2 id="workspace">{words.settings.workspace}</h2>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} except={['name', 'retentionDays', 'deleteAfterDays']} />
      <form
        className="settings-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextInput label={words.settings.name} description={words.settings.slug(workspace.slug)} value={name} onChange={(event) => setName(event.currentTarget.value)} error={refusalOf('name', refusals)} required withAsterisk={false} />
        <TextInput
          type="number"
          min={0}
          max={36_500}
          label={words.settings.retention}
          description={words.settings.retentionHelp}
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
          error={refusalOf('retentionDays', refusals)}
          required
          withAsterisk={false}
        />
        <TextInput
          type="number"
          min={1}
          max={3_650}
          label={words.settings.deleteAfter}
          description={words.settings.deleteAfterHelp}
          value={deleteAfter}
          onChange={(event) => setDeleteAfter(event.currentTarget.value)}
          error={refusalOf('deleteAfterDays', refusals)}
        />
        <Button type="submit" loading={busy}>
          {words.save}
        </Button>
      </form>
    </section>
  );
}
