import { Button, Checkbox } from '@mantine/core';
import { Link } from 'wouter';
import type { Thread } from '../api';
import { Time } from '../parts/Time';
import { named, total as written, words } from '../words';
import { Assignee } from './Assignee';
import { isTicked, NONE, type Selection, sizeOf, toggled } from './selection';

interface Props {
  readonly rows: readonly Thread[];
  readonly total: number;
  readonly isOld: boolean;
  readonly selection: Selection;
  /** Left out for whoever may not hand anything over. */
  readonly select: ((selection: Selection) => void) | undefined;
  readonly handOver: () => void;
}

/** Conversations in rows. Ticking all of those loaded offers to tick all that match. */
export function Threads({ rows, total, isOld, selection, select, handOver }: Props) {
  const loaded = rows.map((row) => row.id);
  const size = sizeOf(selection, total);
  const areAll = loaded.every((id) => isTicked(selection, id));
  return (
    <div className={`threads${isOld ? ' old' : ''}`} aria-busy={isOld}>
      {select && (
        <div className="threads-head">
          <Checkbox
            aria-label={words.inbox.selectPage}
            checked={areAll}
            indeterminate={size > 0 && !areAll}
            onChange={(event) => select(event.currentTarget.checked ? { kind: 'some', ids: new Set(loaded) } : NONE)}
          />
          {size === 0 ? (
            <span className="muted">{words.inbox.selectPage}</span>
          ) : (
            <>
              <strong role="status">{words.inbox.selected(written(size))}</strong>
              {areAll && selection.kind === 'some' && total > loaded.length && (
                <Button size="compact-sm" variant="subtle" onClick={() => select({ kind: 'all' })}>
                  {words.inbox.selectAll(written(total))}
                </Button>
              )}
              <span className="grow" />
              <Button size="compact-sm" variant="subtle" onClick={() => select(NONE)}>
                {words.inbox.clear}
              </Button>
              <Button size="compact-sm" onClick={handOver}>
                {words.inbox.handOver}
              </Button>
            </>
          )}
        </div>
      )}
      <ul aria-label={words.inbox.list}>
        {rows.map((thread) => (
          <li key={thread.id} className={isTicked(selection, thread.id) ? 'ticked' : ''}>
            {select && (
              <Checkbox
                aria-label={words.inbox.select(thread.subject)}
                checked={isTicked(selection, thread.id)}
                onChange={() => select(toggled(selection, thread.id, loaded))}
              />
            )}
            <ThreadRow thread={thread} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function ThreadRow({ thread }: { thread: Thread }) {
  return (
    <div className="thread">
      <span className="who">
        <Link href={`/inbox/${thread.id}`} className="row-link">
          {thread.subject}
        </Link>
        <span className="muted">{thread.customer.name}</span>
      </span>
      <span className="thread-status">
        {thread.status !== 'OPEN' && <span className={`badge badge-${thread.status === 'SNOOZED' ? 'warn' : 'quiet'}`}>{named(words.inbox.statuses, thread.status)}</span>}
      </span>
      <span className="thread-assignee">
        <Assignee of={thread.assignee} />
      </span>
      <span className="muted thread-team">{thread.team?.name}</span>
      <span className="muted thread-time">
        <Time at={thread.updatedAt} />
      </span>
    </div>
  );
}
