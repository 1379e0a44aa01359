import { Button } from '@mantine/core';
import { useState } from 'react';
import { RevokeAccessTokenDocument, type Token } from '../api';
import { FormDialog } from '../parts/FormDialog';
import { say } from '../parts/notices';
import { Time } from '../parts/Time';
import { usePerform } from '../session/perform';
import { named, words } from '../words';
import { CreateTokenDialog } from './CreateTokenDialog';

interface Props {
  readonly tokens: readonly Token[];
  readonly refetch: () => void;
}

/** What partners come in with. Revoking one works at once. */
export function AccessTokens({ tokens, refetch }: Props) {
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  return (
    <section className="panel" aria-labelledby="tokens">
      <div className="panel-head">
        <h2 id="tokens">{words.tokens.title}</h2>
        <Button size="xs" onClick={() => setCreating(true)}>
          {words.tokens.create}
        </Button>
      </div>
      <p className="muted">{words.tokens.help}</p>
      {tokens.length === 0 && <p className="muted">{words.tokens.none}</p>}
      <ul className="devices">
        {tokens.map((token) => (
          <li key={token.id}>
            <span className="who">
              <span>{token.name}</span>
              <span className="muted">{token.scopes.map((scope) => named(words.tokens.scopes, scope)).join(', ')}</span>
              <span className="muted">
                {words.tokens.by(token.createdBy.displayName)} <Time at={token.createdAt} /> · {token.lastUsedAt ? <LastUsed at={token.lastUsedAt} /> : words.tokens.unused}
                {token.expiresAt && (
                  <>
                    {' '}
                    · {words.tokens.expires} <Time at={token.expiresAt} />
                  </>
                )}
              </span>
            </span>
            <Button size="xs" variant="subtle" color="red" aria-label={words.tokens.revokeOf(token.name)} onClick={() => setRevoking(token)}>
              {words.tokens.revoke}
            </Button>
          </li>
        ))}
      </ul>
      {isCreating && <CreateTokenDialog refetch={refetch} close={() => setCreating(false)} />}
      {revoking && <RevokeDialog token={revoking} refetch={refetch} close={() => setRevoking(null)} />}
    </section>
  );
}

function LastUsed({ at }: { at: string }) {
  return (
    <>
      {words.tokens.used} <Time at={at} />
    </>
  );
}

function RevokeDialog({ token, refetch, close }: { token: Token; refetch: () => void; close: () => void }) {
  const { perform, ...state } = usePerform(RevokeAccessTokenDocument);

  async function revoke() {
    if (!(await perform({ input: { accessTokenId: token.id } }))) return;
    say(words.tokens.revoked(token.name));
    refetch();
    close();
  }
  return (
    <FormDialog title={words.tokens.revokeOf(token.name)} submit={words.tokens.revoke} onSubmit={revoke} isDangerous close={close} {...state}>
      <p className="muted">{words.tokens.revokeHelp}</p>
    </FormDialog>
  );
}
