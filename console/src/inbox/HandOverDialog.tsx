import { Checkbox } from '@mantine/core';
import { useEffect, useState } from 'react';
import { BulkReassignDocument, type BulkReassignInput, type InboxFilter } from '../api';
import { FormDialog } from '../parts/FormDialog';
import { type Target, TargetChoice, targetOf } from '../parts/TargetChoice';
import { useSession } from '../session/hooks';
import { usePerform } from '../session/perform';
import { words } from '../words';

interface Props {
  readonly filter: InboxFilter;
  readonly size: number;
  readonly done: (operationId: string) => void;
  readonly close: () => void;
}

/** Handing conversations over. What it would move is counted by the server, before it does so. */
export function HandOverDialog({ filter, size, done, close }: Props) {
  const [target, setTarget] = useState<Target>({ kind: 'one', one: null, several: [] });
  const [includeFollowUps, setFollowUps] = useState(true);
  const [unsnooze, setUnsnooze] = useState(false);
  const [key] = useState(() => crypto.randomUUID());
  const { perform, ...state } = usePerform(BulkReassignDocument);
  const to = targetOf(target) ?? null;
  const input = to && { filter, to, includeFollowUps, unsnooze };
  const matched = useDryRun(input);

  async function submit() {
    if (!input) return;
    const result = await perform({ input: { ...input, idempotencyKey: key } });
    if (result?.operation) done(result.operation.id);
  }
  return (
    <FormDialog
      title={words.handOver.title(size)}
      submit={words.inbox.handOver}
      onSubmit={submit}
      isDisabled={matched === null || matched === 0}
      close={close}
      {...state}
    >
      <TargetChoice label={words.handOver.to} target={target} onChange={setTarget} />
      <Checkbox label={words.handOver.followUps} checked={includeFollowUps} onChange={(event) => setFollowUps(event.currentTarget.checked)} />
      <Checkbox label={words.handOver.unsnooze} checked={unsnooze} onChange={(event) => setUnsnooze(event.currentTarget.checked)} />
      <p role="status" className="dry-run">
        {matched === null ? words.handOver.chooseFirst : words.handOver.matched(matched)}
      </p>
    </FormDialog>
  );
}

/** How much a hand-over would move; null while that is not known. */
function useDryRun(input: BulkReassignInput | null): number | null {
  const { client } = useSession();
  const [counted, setCounted] = useState<{ readonly of: string; readonly matched: number } | null>(null);
  const asked = JSON.stringify(input);
  useEffect(() => {
    const question = JSON.parse(asked) as BulkReassignInput | null;
    if (question === null) return undefined;
    const request = client.mutation(BulkReassignDocument, { input: { ...question, dryRun: true } }).subscribe(({ data }) => {
      if (data?.bulkReassign) setCounted({ of: asked, matched: data.bulkReassign.matched });
    });
    return () => request.unsubscribe();
  }, [client, asked]);
  return counted?.of === asked ? counted.matched : null;
}
