import { Button } from '@mantine/core';
import { type Plan, CancelDepartureDocument, LiftLegalHoldDocument } from '../api';
import { inFull } from '../parts/dates';
import { ErrorNote } from '../parts/ErrorNote';
import { say } from '../parts/notices';
import { Refusals } from '../parts/Refusals';
import { usePerform } from '../session/perform';
import { named, words } from '../words';
import type { Person } from './ProfileScreen';

interface Props {
  readonly user: Person;
  readonly mayAct: boolean;
}

/** Why somebody is inactive, what is planned for them, and what keeps them from being deleted. */
export function Standing({ user, mayAct }: Props) {
  return (
    <>
      {user.deactivation && <WhyInactive deactivation={user.deactivation} />}
      {user.scheduledDeparture && <Planned user={user} plan={user.scheduledDeparture} mayAct={mayAct} />}
      {user.legalHold && <Held user={user} hold={user.legalHold} mayAct={mayAct} />}
    </>
  );
}

function WhyInactive({ deactivation }: { deactivation: NonNullable<Person['deactivation']> }) {
  const { at, by, reason, note } = deactivation;
  return (
    <div className="standing">
      <p>
        <strong>{named(words.deactivationReasons, reason)}</strong>
        <span className="muted">{words.profile.inactiveSince(inFull(at), by.displayName)}</span>
      </p>
      {note && <blockquote>{note}</blockquote>}
    </div>
  );
}

function Planned({ user, plan, mayAct }: Props & { plan: Plan }) {
  const { busy, error, refusals, perform } = usePerform(CancelDepartureDocument);
  const isAway = plan.state === 'AWAY';
  const by = plan.scheduledBy.displayName;

  async function cancel() {
    if (await perform({ input: { userId: user.id } })) say(words.plan.cancelled);
  }
  return (
    <div className="standing standing-warn">
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <p>
        <strong>{isAway ? words.plan.away(by) : words.plan.leaves(inFull(plan.at), by)}</strong>
        {plan.returnAt && <span>{words.plan.returns(inFull(plan.returnAt))}</span>}
        <span className="muted">{named(words.deactivationReasons, plan.reason)}</span>
        <span className="grow" />
        {mayAct && (
          <Button size="compact-sm" variant="default" loading={busy} onClick={() => void cancel()}>
            {isAway ? words.plan.cancelReturn : words.plan.cancel}
          </Button>
        )}
      </p>
      {plan.failure && <p role="alert">{plan.failure.message}</p>}
      {plan.note && <blockquote>{plan.note}</blockquote>}
    </div>
  );
}

function Held({ user, hold, mayAct }: Props & { hold: NonNullable<Person['legalHold']> }) {
  const { busy, error, refusals, perform } = usePerform(LiftLegalHoldDocument);

  async function lift() {
    if (await perform({ input: { userId: user.id } })) say(words.hold.lifted);
  }
  return (
    <div className="standing standing-warn">
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <p>
        <strong>{words.hold.since(inFull(hold.since), hold.by.displayName)}</strong>
        <span className="grow" />
        {mayAct && (
          <Button size="compact-sm" variant="default" loading={busy} onClick={() => void lift()}>
            {words.hold.lift}
          </Button>
        )}
      </p>
      <blockquote>{hold.note}</blockquote>
    </div>
  );
}
