import { CloseButton } from '@mantine/core';
import { useEffect, useSyncExternalStore } from 'react';
import { Value } from '../session/value';
import { words } from '../words';

const SHOWN = 6_000;

const notice = new Value<{ readonly text: string } | null>(null);

/** Say that something was done. */
export const say = (text: string): void => notice.set({ text });

/** The last thing that was done, for a while. */
export function Notices() {
  const current = useSyncExternalStore(notice.watch, notice.get);
  useEffect(() => {
    if (current === null) return undefined;
    const timer = setTimeout(() => notice.set(null), SHOWN);
    return () => clearTimeout(timer);
  }, [current]);
  return (
    <div className="notices" role="status">
      {current && (
        <div className="notice">
          <span>{current.text}</span>
          <CloseButton size="sm" variant="transparent" aria-label={words.close} onClick={() => notice.set(null)} />
        </div>
      )}
    </div>
  );
}
