import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/** What a screen is looking for, kept in its address, so that Back and a copied link lead to the same. */
export function useParameters(): readonly [URLSearchParams, (changes: Record<string, string | null>) => void] {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (changes: Record<string, string | null>) => {
      setParameters(
        (before) => {
          const after = new URLSearchParams(before);
          for (const [name, value] of Object.entries(changes)) {
            if (value) after.set(name, value);
            else after.delete(name);
          }
          return after;
        },
        { replace: true },
      );
    },
    [setParameters],
  );
  return [parameters, change];
}
