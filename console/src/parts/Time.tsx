import { ago, inFull } from './dates';

/** A point in time: how long ago, and in full when it is pointed at. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={inFull(at)}>
      {ago(at)}
    </time>
  );
}
