import { Radio, TextInput } from '@mantine/core';
import type { Refusal } from '../api';
import { refusalOf } from '../parts/Refusals';
import { words } from '../words';

/** When somebody leaves: now, or at a local time, perhaps to come back. Times are as the browser's fields have them. */
export interface When {
  readonly isLater: boolean;
  readonly at: string;
  readonly returnAt: string;
}

/** A field's local time as the server takes it; null if there is none. */
export function pointIn(local: string): string | null {
  return local === '' ? null : new Date(local).toISOString();
}

interface Props {
  readonly when: When;
  readonly onChange: (when: When) => void;
  readonly refusals: readonly Refusal[];
}

export function WhenChoice({ when, onChange, refusals }: Props) {
  return (
    <>
      <Radio.Group label={words.plan.when} value={when.isLater ? 'later' : 'now'} onChange={(value) => onChange({ ...when, isLater: value === 'later' })}>
        <div className="choices choices-line">
          <Radio value="now" label={words.plan.now} />
          <Radio value="later" label={words.plan.later} />
        </div>
      </Radio.Group>
      {when.isLater && (
        <div className="two">
          <TextInput
            type="datetime-local"
            label={words.plan.at}
            value={when.at}
            onChange={(event) => onChange({ ...when, at: event.currentTarget.value })}
            error={refusalOf('at', refusals)}
            required
            withAsterisk={false}
          />
          <TextInput
            type="datetime-local"
            label={words.plan.returnAt}
            description={words.plan.returnHelp}
            value={when.returnAt}
            min={when.at}
            onChange={(event) => onChange({ ...when, returnAt: event.currentTarget.value })}
            error={refusalOf('returnAt', refusals)}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
          />
        </div>
      )}
    </>
  );
}
