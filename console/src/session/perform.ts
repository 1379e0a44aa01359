import { useState } from 'react';
import { type AnyVariables, type CombinedError, type DocumentInput, useMutation } from 'urql';
import type { Refusal } from '../api';

interface Performing<Payload, Variables> {
  readonly busy: boolean;
  readonly error: CombinedError | undefined;
  readonly refusals: readonly Refusal[];
  /** The payload of a mutation that was carried out; null if it was refused or failed, and then why is here too. */
  readonly perform: (variables: Variables) => Promise<Payload | null>;
}

type PayloadOf<Data> = NonNullable<Data[keyof Data]>;

/** A mutation with one root field, and what became of it. */
export function usePerform<Data extends object, Variables extends AnyVariables>(
  mutation: DocumentInput<Data, Variables>,
): Performing<PayloadOf<Data>, Variables> {
  const [{ fetching }, execute] = useMutation(mutation);
  const [error, setError] = useState<CombinedError>();
  const [refusals, setRefusals] = useState<readonly Refusal[]>([]);

  async function perform(variables: Variables): Promise<PayloadOf<Data> | null> {
    const answer = await execute(variables);
    const payload = (Object.entries(answer.data ?? {}).find(([name]) => name !== '__typename')?.[1] ?? null) as PayloadOf<Data> | null;
    const refused = (payload as { readonly errors?: readonly Refusal[] } | null)?.errors ?? [];
    setError(answer.error);
    setRefusals(refused);
    return refused.length === 0 && !answer.error ? payload : null;
  }
  return { busy: fetching, error, refusals, perform };
}
