import { Button, Checkbox, CopyButton, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import { CreateAccessTokenDocument, type TokenScope } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { Refusals, refusalOf } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { words } from '../words';

const SCOPES = Object.entries(words.tokens.scopes);

interface Props {
  readonly refetch: () => void;
  readonly close: () => void;
}

/** Creating an access token. Its secret is shown this once and kept nowhere. */
export function CreateTokenDialog({ refetch, close }: Props) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>([]);
  const [expires, setExpires] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  const { busy, error, refusals, perform } = usePerform(CreateAccessTokenDocument);

  async function submit() {
    const expiresAt = expires === '' ? null : new Date(`${expires}T23:59:59`).toISOString();
    const done = await perform({ input: { name, scopes: scopes as TokenScope[], expiresAt } });
    if (!done) return;
    setSecret(done.secret);
    refetch();
  }
  return (
    <Modal opened onClose={close} title={words.tokens.create} closeButtonProps={{ 'aria-label': words.close }} closeOnClickOutside={secret === null}>
      {secret !== null ? (
        <Secret secret={secret} close={close} />
      ) : (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {error && <ErrorNote error={error} />}
          <Refusals of={refusals} except={['name', 'scopes', 'expiresAt']} />
          <TextInput label={words.tokens.name} description={words.tokens.nameHelp} value={name} onChange={(event) => setName(event.currentTarget.value)} error={refusalOf('name', refusals)} required withAsterisk={false} data-autofocus />
          <Checkbox.Group label={words.tokens.may} value={scopes} onChange={setScopes} error={refusalOf('scopes', refusals)}>
            <div className="choices">
              {SCOPES.map(([value, label]) => (
                <Checkbox key={value} value={value} label={label} />
              ))}
            </div>
          </Checkbox.Group>
          <TextInput type="date" label={words.tokens.expiresLabel} description={words.tokens.expiresHelp} value={expires} onChange={(event) => setExpires(event.currentTarget.value)} error={refusalOf('expiresAt', refusals)} />
          <div className="form-actions">
            <Button variant="default" onClick={close}>
              {words.cancel}
            </Button>
            <Button type="submit" loading={busy} disabled={scopes.length === 0}>
              {words.tokens.submit}
            </Button>
          </div>
        </form>
      )}
    </Modal>
  );
}

function Secret({ secret, close }: { secret: string; close: () => void }) {
  return (
    <div className="form">
      <p>{words.tokens.once}</p>
      <code className="secret" aria-label={words.tokens.secret}>
        {secret}
      </code>
      <div className="form-actions">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy} data-autofocus>
              {copied ? words.copied : words.copy}
            </Button>
          )}
        </CopyButton>
        <Button onClick={close}>{words.tokens.kept}</Button>
      </div>
    </div>
  );
}
