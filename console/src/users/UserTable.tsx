import { Skeleton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { UserRow } from '../api';
import { Avatar } from '../parts/Avatar';
import { RoleBadges, StatusBadge } from '../parts/Badges';
import { Time } from '../parts/Time';
import { named, words } from '../words';
import type { List } from './list';

const { columns } = words.users;
const OVERSCAN = 10;
const AHEAD = 40;

/** As styles/users.css has it: a row is higher on a phone. */
const PHONE = '(max-width: 640px)';
const ONE_LINE = 52;
const TWO_LINES = 76;

interface Props {
  readonly list: List;
  readonly total: number;
  readonly more: () => void;
}

/** Ten thousand rows, of which those in sight are in the page. Scrolling near the end asks for more. */
export function UserTable({ list, total, more }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, after, leaving, arriving, filters } = list;
  const rowHeight = useMediaQuery(PHONE) ? TWO_LINES : ONE_LINE;
  // eslint-disable-next-line react-hooks/incompatible-library -- its result is used here alone
  const virtual = useVirtualizer({
    count: rows.length + (after === null ? 0 : 1),
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => rows[index]?.id ?? 'more',
    overscan: OVERSCAN,
  });
  useEffect(() => virtual.measure(), [virtual, rowHeight]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - AHEAD) more();
  }, [last, rows.length, more]);
  useEffect(() => {
    scroller.current?.scrollTo(0, 0);
  }, [filters]);
  return (
    <div className="table" role="table" aria-label={words.users.table} aria-rowcount={total + 1} ref={scroller} tabIndex={0}>
      <div role="rowgroup" className="table-head">
        <div role="row" className="row" aria-rowindex={1}>
          <span role="columnheader">{columns.name}</span>
          <span role="columnheader">{columns.roles}</span>
          <span role="columnheader">{columns.teams}</span>
          <span role="columnheader">{filters.status === 'ACTIVE' ? columns.seen : columns.left}</span>
        </div>
      </div>
      <div role="rowgroup" className="table-body" style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, key, start, size }) => {
          const user = rows[index];
          return (
            <div key={key} className="place" role="presentation" style={{ transform: `translateY(${start}px)`, height: size }}>
              {user ? <Row user={user} index={index + 2} className={classOf(user.id, leaving, arriving)} /> : <RowSkeleton />}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Row({ user, index, className }: { user: UserRow; index: number; className: string }) {
  return (
    <div role="row" className={`row ${className}`} aria-rowindex={index}>
      <span role="cell" className="cell-name">
        <Avatar name={user.name} />
        <span className="who">
          <Link href={`/users/${user.id}`} className="row-link">
            {user.name}
          </Link>
          <span className="muted">{user.email}</span>
        </span>
      </span>
      <span role="cell" className="cell-roles">
        <RoleBadges roles={user.roles} />
      </span>
      <span role="cell" className="cell-teams muted">
        {user.teams.map((team) => team.name).join(', ')}
      </span>
      <span role="cell" className="cell-seen muted">
        {user.deactivation ? (
          <>
            <Time at={user.deactivation.at} /> · {named(words.deactivationReasons, user.deactivation.reason)}
          </>
        ) : user.invitationPending ? (
          <StatusBadge status={user.status} pending />
        ) : user.lastSignedInAt ? (
          <Time at={user.lastSignedInAt} />
        ) : (
          words.users.neverIn
        )}
      </span>
    </div>
  );
}

function classOf(id: string, leaving: ReadonlySet<string>, arriving: ReadonlySet<string>): string {
  if (leaving.has(id)) return 'row-leaving';
  return arriving.has(id) ? 'row-arriving' : '';
}

function RowSkeleton() {
  return (
    <div className="row" aria-hidden="true">
      <span className="cell-name">
        <Skeleton circle height={32} width={32} />
        <Skeleton height={12} width="60%" />
      </span>
      <Skeleton height={12} width={56} className="cell-roles" />
      <Skeleton height={12} width={96} className="cell-teams" />
      <Skeleton height={12} width={72} className="cell-seen" />
    </div>
  );
}

/** What is there before the first rows are. */
export function UserRowsSkeleton() {
  return (
    <div className="table" role="status" aria-label={words.loading}>
      {Array.from({ length: 10 }, (_, index) => (
        <RowSkeleton key={index} />
      ))}
    </div>
  );
}
