import { Button, Checkbox, CopyButton, TextInput } from '@mantine/core';
import { useState } from 'react';
import { CreateAccessTokenDocument, type TokenScope } from '../api';
import { Dialog, DialogForm } from '../parts/FormDialog';
import { refusalOf } from '../parts/Refusals';
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
  const { perform, ...state } = usePerform(CreateAccessTokenDocument);

  async function submit() {
    const expiresAt = expires === '' ? null : new Date(`${expires}T23:59:59`).toISOString();
    const done = await perform({ input: { name, scopes: scopes as TokenScope[], expiresAt } });
    if (!done) return;
    setSecret(done.secret);
    refetch();
  }
  return (
    <Dialog title={words.tokens.create} isSticky={secret !== null} close={close}>
      {secret !== null ? (
        <Secret secret={secret} close={close} />
      ) : (
        <DialogForm submit={words.tokens.submit} onSubmit={submit} isDisabled={scopes.length === 0} fields={['name', 'scopes', 'expiresAt']} close={close} {...state}>
          <TextInput label={words.tokens.name} description={words.tokens.nameHelp} value={name} onChange={(event) => setName(event.currentTarget.value)} error={refusalOf('name', state.refusals)} required withAsterisk={false} data-autofocus />
          <Checkbox.Group label={words.tokens.may} value={scopes} onChange={setScopes} error={refusalOf('scopes', state.refusals)}>
            <div className="choices">
              {SCOPES.map(([value, label]) => (
                <Checkbox key={value} value={value} label={label} />
              ))}
            </div>
          </Checkbox.Group>
          <TextInput type="date" label={words.tokens.expiresLabel} description={words.tokens.expiresHelp} value={expires} onChange={(event) => setExpires(event.currentTarget.value)} error={refusalOf('expiresAt', state.refusals)} />
        </DialogForm>
      )}
    </Dialog>
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
