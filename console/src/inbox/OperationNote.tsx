import { Button, CloseButton, Progress } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { useSubscription } from 'urql';
import { CancelBulkReassignDocument, type Operation, ProgressDocument, UndoBulkReassignDocument } from '../api';
import { ErrorNote } from '../parts/ErrorNote';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { count, named, words } from '../words';

interface Props {
  readonly id: string;
  /** What it moved is to be shown. */
  readonly changed: () => void;
  /** Show another operation instead: the one that takes this one back. */
  readonly follow: (id: string) => void;
  readonly close: () => void;
}

/** A hand-over as it goes on, and the ways to stop it and to take it back. */
export function OperationNote({ id, changed, follow, close }: Props) {
  const [{ data, error }] = useSubscription({ query: ProgressDocument, variables: { id } });
  const undoing = usePerform(UndoBulkReassignDocument);
  const cancelling = usePerform(CancelBulkReassignDocument);
  const problem = error ?? undoing.error ?? cancelling.error;
  const operation = data?.bulkOperationProgress;
  const status = operation?.status;
  const refetch = useRef(changed);
  useEffect(() => {
    if (status !== undefined && status !== 'RUNNING') refetch.current();
  }, [status]);

  async function undo() {
    const done = await undoing.perform({ input: { operationId: id } });
    if (done?.operation) follow(done.operation.id);
  }
  return (
    <section className="operation" aria-label={words.operation.label} role="status">
      {problem && <ErrorNote error={problem} />}
      <Refusals of={[...undoing.refusals, ...cancelling.refusals]} />
      {operation && (
        <div className="operation-line">
          <span>{said(operation)}</span>
          <span className="grow" />
          {operation.status === 'RUNNING' && operation.undoOf === null && (
            <Button size="compact-sm" variant="default" loading={cancelling.busy} onClick={() => void cancelling.perform({ input: { operationId: id } })}>
              {words.operation.cancel}
            </Button>
          )}
          {operation.undoOf === null && (operation.status === 'COMPLETED' || operation.status === 'CANCELLED') && (
            <Button size="compact-sm" variant="default" loading={undoing.busy} onClick={() => void undo()}>
              {words.operation.undo}
            </Button>
          )}
          <CloseButton aria-label={words.close} onClick={close} />
        </div>
      )}
      {operation?.status === 'RUNNING' && (
        <Progress value={operation.matched === 0 ? 100 : (100 * operation.processed) / operation.matched} aria-label={words.operation.label} animated />
      )}
    </section>
  );
}

function said(operation: Operation): string {
  const { status, processed, matched, reassignedConversations, reassignedFollowUps, skipped, failure, undoOf } = operation;
  if (status === 'RUNNING') return words.operation.running(processed.toLocaleString(), matched.toLocaleString());
  if (status === 'FAILED') return failure?.message ?? words.operation.failed;
  const moved = [
    count(reassignedConversations, 'conversation', 'conversations'),
    ...(reassignedFollowUps > 0 ? [count(reassignedFollowUps, 'follow-up', 'follow-ups')] : []),
  ].join(', ');
  const left = skipped > 0 ? ` ${words.operation.skipped(skipped.toLocaleString())}` : '';
  const done = undoOf === null ? named(words.operation.done, status) : words.operation.givenBack;
  return `${done} ${moved}.${left}`;
}
