import { Checkbox, Select, Skeleton, Textarea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import {
  type DeactivationReason,
  DeactivateUserDocument,
  type DeactivateUserInput,
  DepartureDocument,
  type ReassignTarget,
  type Refusal,
  ScheduleDepartureDocument,
} from '../api';
import { inFull } from '../parts/dates';
import { ErrorNote } from '../parts/ErrorNote';
import { Dialog, DialogForm } from '../parts/FormDialog';
import { say } from '../parts/notices';
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
    <Dialog title={words.deactivate.title(user.name)} size="lg" close={close}>
      <p className="lead">{words.deactivate.lead}</p>
      {error && !preview ? <ErrorNote error={error} /> : preview ? <Decision user={user} preview={preview} refetch={refetch} close={close} /> : <Skeleton height={220} />}
    </Dialog>
  );
}

/** Why, and what becomes of the work. */
interface Choices {
  readonly reason: DeactivationReason;
  readonly note: string;
  readonly target: Target;
  readonly revokeAccessTokens: boolean;
  readonly when: When;
}

const UNCHOSEN: Choices = {
  reason: 'LEFT_COMPANY',
  note: '',
  target: { kind: 'leave', one: null, several: [] },
  revokeAccessTokens: false,
  when: { isLater: false, at: '', returnAt: '' },
};

function Decision({ user, preview, refetch, close }: Props & { preview: Preview; refetch: () => void }) {
  const [choices, setChoices] = useState(UNCHOSEN);
  const [isIncomplete, setIncomplete] = useState(false);
  const { isLater } = choices.when;
  const { deactivate, schedule, busy } = useDeparting(user);
  const { error, refusals, perform } = isLater ? schedule : deactivate;

  async function submit() {
    const handOver = targetOf(choices.target);
    setIncomplete(handOver === undefined);
    if (handOver === undefined) return;
    const told = await perform(choices, handOver);
    if (told === null) return;
    say(told);
    close();
  }
  return (
    <DialogForm
      submit={!preview.allowed ? undefined : isLater ? words.plan.submit : words.deactivate.submit}
      onSubmit={submit}
      isDangerous
      busy={busy}
      error={error}
      refusals={refusals}
      fields={['at', 'returnAt']}
      close={close}
    >
      <WhatHappens preview={preview} />
      {preview.allowed ? (
        <Fields user={user} preview={preview} choices={choices} change={(some) => setChoices({ ...choices, ...some })} refusals={refusals} isIncomplete={isIncomplete} />
      ) : (
        <Blockers user={user} preview={preview} refetch={refetch} />
      )}
    </DialogForm>
  );
}

interface FieldsProps {
  readonly user: Person;
  readonly preview: Preview;
  readonly choices: Choices;
  readonly change: (some: Partial<Choices>) => void;
  readonly refusals: readonly Refusal[];
  readonly isIncomplete: boolean;
}

function Fields({ user, preview, choices, change, refusals, isIncomplete }: FieldsProps) {
  const { when, reason, target, revokeAccessTokens, note } = choices;
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <>
      <WhenChoice when={when} onChange={(chosen) => change({ when: chosen })} refusals={refusals} />
      <Select label={words.deactivate.reason} data={REASONS} value={reason} onChange={(value) => value && change({ reason: value as DeactivationReason })} allowDeselect={false} ref={first} />
      {workOf(preview.workload) > 0 && (
        <TargetChoice
          label={words.deactivate.handOver}
          target={target}
          onChange={(chosen) => change({ target: chosen })}
          without={user.id}
          mayLeave
          error={isIncomplete ? words.deactivate.choose : undefined}
        />
      )}
      {(preview.accessTokens?.length ?? 0) > 0 && (
        <Checkbox label={words.deactivate.revokeTokens} checked={revokeAccessTokens} onChange={(event) => change({ revokeAccessTokens: event.currentTarget.checked })} />
      )}
      <Textarea label={words.deactivate.note} description={words.deactivate.noteHelp} value={note} onChange={(event) => change({ note: event.currentTarget.value })} rows={2} />
    </>
  );
}

/** Doing it now, and planning it. Each says what was done, or null if the server refused. */
function useDeparting(user: Person) {
  const deactivating = usePerform(DeactivateUserDocument);
  const scheduling = usePerform(ScheduleDepartureDocument);

  function inputOf({ reason, note, revokeAccessTokens }: Choices, handOver: ReassignTarget | null): DeactivateUserInput {
    return { userId: user.id, reason, note: note.trim() || null, handOver, revokeAccessTokens };
  }
  async function deactivate(choices: Choices, handOver: ReassignTarget | null): Promise<string | null> {
    const done = await deactivating.perform({ input: inputOf(choices, handOver) });
    if (!done) return null;
    const told = words.deactivate.done(user.name, done.revokedSessions);
    if (!done.handOver) return told;
    const { status, matched } = done.handOver;
    return `${told}; ${status === 'RUNNING' ? words.deactivate.handingOver(matched) : words.deactivate.handedOver(matched)}`;
  }
  async function schedule(choices: Choices, handOver: ReassignTarget | null): Promise<string | null> {
    const at = pointIn(choices.when.at);
    if (at === null) return null;
    const done = await scheduling.perform({ input: { ...inputOf(choices, handOver), at, returnAt: pointIn(choices.when.returnAt) } });
    return done && words.plan.done(user.name, inFull(at));
  }
  return {
    deactivate: { ...deactivating, perform: deactivate },
    schedule: { ...scheduling, perform: schedule },
    busy: deactivating.busy || scheduling.busy,
  };
}
