import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Refusal } from '../api';

/** Why the server refused what a form asked for; those that belong to one field are shown there instead. */
export function Refusals({ of, except = [], children }: { of: readonly Refusal[]; except?: readonly string[]; children?: ReactNode }) {
  const shown = of.filter(({ field }) => !except.includes(field?.at(-1) ?? ''));
  if (shown.length === 0) return null;
  return (
    <Alert color="red" role="alert">
      {shown.map(({ code, message }) => (
        <p key={code + message}>{message}</p>
      ))}
      {children}
    </Alert>
  );
}

/** What the server says about one field. */
export function refusalOf(field: string, refusals: readonly Refusal[]): string | undefined {
  return refusals.find((each) => each.field?.at(-1) === field)?.message;
}
