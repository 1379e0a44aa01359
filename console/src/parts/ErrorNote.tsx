import { Alert, Button } from '@mantine/core';
import type { CombinedError } from 'urql';
import { words } from '../words';

/** What went wrong, in words, with the id under which the server has logged it. */
export function ErrorNote({ error, retry }: { error: CombinedError; retry?: () => void }) {
  const [first] = error.graphQLErrors;
  const requestId = first?.extensions['requestId'];
  return (
    <Alert color="red" role="alert" title={words.errors.title}>
      <p>{first?.message ?? words.errors.network}</p>
      {typeof requestId === 'string' && <p className="muted">{words.errors.request(requestId)}</p>}
      {retry && (
        <Button size="xs" variant="default" onClick={retry}>
          {words.tryAgain}
        </Button>
      )}
    </Alert>
  );
}
