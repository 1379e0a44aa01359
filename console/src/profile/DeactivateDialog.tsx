import { Button, Checkbox, Modal, Select, Skeleton, Textarea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import {
  type DeactivationReason,
  DeactivateUserDocument,
  type DeactivateUserInput,
  DepartureDocument,
  ScheduleDepartureDocument,
} from '../api';
import { inFull } from '../parts/dates';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals } from '../parts/Refusals';
import { type Target, TargetChoice, targetOf } from '../parts/TargetChoice';
import { usePerform } from '../session/perform';
import { words } from '../words';
import type { Person } from './ProfileScreen';
import { pointIn, type When, WhenChoice } from './WhenChoice';
import { Blockers, type Preview, WhatHappens } from './Preview';
import { workOf } from './WorkloadPanel';

const REASONS = Object.entries(words.deactivationReasons).map(([value, label]) => ({ value, label }));

interface Props {
  readonly user: Person;
  readonly close: () => void;
}

/** What deactivating would do, from the code that does it; then why, and what becomes of the work. */
export function DeactivateDialog({ user, close }: Props) {
  const [{ data, error }, refetch] = useQuery({ query: DepartureDocument, variables: { id: user.id }, requestPolicy: 'network-only' });
  const preview = data?.user?.departure;
  return (
    <Modal opened onClose={close} size="lg" title={words.deactivate.title(user.name)} closeButtonProps={{ 'aria-label': words.close }}>
      <p className="lead">{words.deactivate.lead}</p>
      {error && !preview ? <ErrorNote error={error} /> : preview ? <Decision user={user} preview={preview} refetch={refetch} close={close} /> : <Skeleton height={220} />}
    </Modal>
  );
}

function Decision({ user, preview, refetch, close }: Props & { preview: Preview; refetch: () => void }) {
  const [reason, setReason] = useState<DeactivationReason>('LEFT_COMPANY');
  const [note, setNote] = useState('');
  const [target, setTarget] = useState<Target>({ kind: 'leave', one: null, several: [] });
  const [revokeAccessTokens, setRevoke] = useState(false);
  const [when, setWhen] = useState<When>({ isLater: false, at: '', returnAt: '' });
  const [isIncomplete, setIncomplete] = useState(false);
  const deactivating = usePerform(DeactivateUserDocument);
  const scheduling = usePerform(ScheduleDepartureDocument);
  const { error, refusals } = when.isLater ? scheduling : deactivating;
  const work = workOf(preview.workload);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  async function submit() {
    const handOver = targetOf(target);
    setIncomplete(handOver === undefined);
    if (handOver === undefined) return;
    const input = { userId: user.id, reason, note: note.trim() || null, handOver, revokeAccessTokens };
    const told = when.isLater ? await schedule(input) : await deactivate(input);
    if (told === null) return;
    say(told);
    close();
  }

  async function deactivate(input: DeactivateUserInput): Promise<string | null> {
    const done = await deactivating.perform({ input });
    if (!done) return null;
    const told = words.deactivate.done(user.name, done.revokedSessions);
    if (!done.handOver) return told;
    const { status, matched } = done.handOver;
    return `${told}; ${status === 'RUNNING' ? words.deactivate.handingOver(matched) : words.deactivate.handedOver(matched)}`;
  }

  async function schedule(input: DeactivateUserInput): Promise<string | null> {
    const at = pointIn(when.at);
    if (at === null) return null;
    const done = await scheduling.perform({ input: { ...input, at, returnAt: pointIn(when.returnAt) } });
    return done && words.plan.done(user.name, inFull(at));
  }
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <WhatHappens preview={preview} />
      {preview.allowed ? (
        <>
          {error && <ErrorNote error={error} />}
          <Refusals of={refusals} except={['at', 'returnAt']} />
          <WhenChoice when={when} onChange={setWhen} refusals={refusals} />
          <Select label={words.deactivate.reason} data={REASONS} value={reason} onChange={(value) => value && setReason(value as DeactivationReason)} allowDeselect={false} ref={first} />
          {work > 0 && (
            <TargetChoice
              label={words.deactivate.handOver}
              target={target}
              onChange={setTarget}
              without={user.id}
              mayLeave
              error={isIncomplete ? words.deactivate.choose : undefined}
            />
          )}
          {(preview.accessTokens?.length ?? 0) > 0 && (
            <Checkbox label={words.deactivate.revokeTokens} checked={revokeAccessTokens} onChange={(event) => setRevoke(event.currentTarget.checked)} />
          )}
          <Textarea label={words.deactivate.note} description={words.deactivate.noteHelp} value={note} onChange={(event) => setNote(event.currentTarget.value)} rows={2} />
        </>
      ) : (
        <Blockers user={user} preview={preview} refetch={refetch} />
      )}
      <div className="form-actions">
        <Button variant="default" onClick={close}>
          {words.cancel}
        </Button>
        {preview.allowed && (
          <Button type="submit" color="red" loading={deactivating.busy || scheduling.busy}>
            {when.isLater ? words.plan.submit : words.deactivate.submit}
          </Button>
        )}
      </div>
    </form>
  );
}
