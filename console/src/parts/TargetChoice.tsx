import { Radio } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ReassignTarget } from '../api';
import { words } from '../words';
import { ColleaguePicker, ColleaguesPicker } from './ColleaguePicker';

type Kind = 'leave' | 'one' | 'several' | 'nobody';

/** Where work is to go, as far as it has been chosen. */
export interface Target {
  readonly kind: Kind;
  readonly one: string | null;
  readonly several: readonly string[];
}

/** The choice as the server takes it: null to leave the work, undefined if it is not complete. */
export function targetOf({ kind, one, several }: Target): ReassignTarget | null | undefined {
  switch (kind) {
    case 'leave':
      return null;
    case 'nobody':
      return { unassigned: true };
    case 'one':
      return one === null ? undefined : { userId: one };
    case 'several':
      return several.length === 0 ? undefined : { roundRobin: several };
  }
}

interface Props {
  readonly label: string;
  readonly target: Target;
  readonly onChange: (target: Target) => void;
  readonly without?: string;
  readonly mayLeave?: boolean;
  readonly error?: string | undefined;
}

/** What becomes of work: it stays, goes to one colleague, to several in turn, or to nobody. */
export function TargetChoice({ label, target, onChange, without, mayLeave = false, error }: Props) {
  const others = without === undefined ? {} : { without };
  return (
    <Radio.Group label={label} value={target.kind} onChange={(kind) => onChange({ ...target, kind })}>
      <div className="choices">
        {mayLeave && <Radio value="leave" label={words.deactivate.leave} description={words.deactivate.leaveHelp} />}
        <Radio value="one" label={words.deactivate.one} />
        {target.kind === 'one' && (
          <Indented>
            <ColleaguePicker {...others} value={target.one} onChange={(one) => onChange({ ...target, one })} error={error} />
          </Indented>
        )}
        <Radio value="several" label={words.deactivate.several} description={words.deactivate.severalHelp} />
        {target.kind === 'several' && (
          <Indented>
            <ColleaguesPicker {...others} value={[...target.several]} onChange={(several) => onChange({ ...target, several })} error={error} />
          </Indented>
        )}
        <Radio value="nobody" label={words.deactivate.nobody} />
      </div>
    </Radio.Group>
  );
}

function Indented({ children }: { children: ReactNode }) {
  return <div className="choice-more">{children}</div>;
}
