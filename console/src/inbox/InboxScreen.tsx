import { Button, Select, Skeleton, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { type ConversationStatus, type Inbox, InboxDocument, type InboxFilter, type MoreInbox, MoreInboxDocument, type Thread } from '../api';
import { Page } from '../frame/Page';
import { Empty } from '../parts/Empty';
import { ErrorNote } from '../parts/ErrorNote';
import { SearchIcon } from '../parts/icons';
import { More } from '../parts/More';
import { PersonFilter } from '../parts/PersonFilter';
import { useParameters } from '../parts/parameters';
import { pageOf, usePages } from '../session/usePages';
import { words } from '../words';
import { HandOverDialog } from './HandOverDialog';
import { OperationNote } from './OperationNote';
import { filterOf, NONE, type Selection, sizeOf } from './selection';
import { Threads } from './Threads';

const TYPED = 150;
const NOBODY = 'nobody';
const UNFINISHED: readonly ConversationStatus[] = ['OPEN', 'SNOOZED'];
const STATUSES = Object.entries(words.inbox.statuses).map(([value, label]) => ({ value, label }));

const pageIn = ({ inbox }: Inbox | MoreInbox) => pageOf<Thread>(inbox);

/** The team's conversations: looking through them, and handing them over. What is looked for is in the address. */
export function InboxScreen() {
  const [parameters, change] = useParameters();
  const [assignee, status, team] = [parameters.get('assignee'), parameters.get('status'), parameters.get('team')];
  const typed = parameters.get('q') ?? '';
  const [search] = useDebouncedValue(typed, typed === '' ? 0 : TYPED);
  const variables = useMemo(
    () => ({ filter: asked(assignee, status, team, search), assigneeId: assignee ?? '', isOfPerson: assignee !== null && assignee !== NOBODY }),
    [assignee, status, team, search],
  );
  const { data, rows, isComplete, isOld, error, more, refetch } = usePages({ first: InboxDocument, more: MoreInboxDocument, variables, pageIn });
  const [ticked, setTicked] = useState<{ of: unknown; selection: Selection }>({ of: variables, selection: NONE });
  const selection = ticked.of === variables ? ticked.selection : NONE;
  const [isHandingOver, setHandingOver] = useState(false);
  const [operationId, setOperationId] = useState<string | null>(null);
  const count = data?.inbox?.totalCount ?? 0;
  const roles = data?.viewer?.roles ?? [];
  const mayWrite = roles.some((role) => role !== 'VIEWER');
  const select = (next: Selection) => setTicked({ of: variables, selection: next });

  return (
    <Page title={words.inbox.title} actions={data && <span className="muted">{words.inbox.count(count)}</span>}>
      <div className="filters">
        <TextInput
          type="search"
          className="filter-search"
          value={typed}
          onChange={(event) => change({ q: event.currentTarget.value })}
          placeholder={words.inbox.search}
          aria-label={words.inbox.search}
          leftSection={<SearchIcon />}
        />
        <PersonFilter
          label={words.inbox.assignee}
          placeholder={words.inbox.anyAssignee}
          value={assignee}
          current={data?.assignee}
          onChange={(id) => change({ assignee: id })}
          first={[{ value: NOBODY, label: words.unassigned }]}
        />
        <Select data={STATUSES} value={status ?? ''} onChange={(value) => change({ status: value })} aria-label={words.inbox.status} allowDeselect={false} />
        <Select
          data={(data?.teams ?? []).map(({ id, name }) => ({ value: id, label: name }))}
          value={team}
          onChange={(value) => change({ team: value })}
          placeholder={words.users.team}
          aria-label={words.users.teamLabel}
          clearable
        />
      </div>
      {operationId !== null && <OperationNote key={operationId} id={operationId} changed={refetch} follow={setOperationId} close={() => setOperationId(null)} />}
      {error && rows.length === 0 ? (
        <ErrorNote error={error} retry={refetch} />
      ) : !data ? (
        <Skeleton height={420} />
      ) : rows.length === 0 ? (
        <Empty title={words.inbox.empty} help={words.inbox.emptyHelp}>
          <Button variant="default" onClick={() => change({ q: null, assignee: null, status: null, team: null })}>
            {words.users.clear}
          </Button>
        </Empty>
      ) : (
        <Threads rows={rows} total={count} isOld={isOld} selection={selection} select={mayWrite ? select : undefined} handOver={() => setHandingOver(true)} />
      )}
      {data && !isComplete && <More more={more} />}
      {isHandingOver && (
        <HandOverDialog
          filter={filterOf(selection, variables.filter)}
          size={sizeOf(selection, count)}
          done={(id) => {
            setOperationId(id);
            setHandingOver(false);
            select(NONE);
            refetch();
          }}
          close={() => setHandingOver(false)}
        />
      )}
    </Page>
  );
}

function asked(assignee: string | null, status: string | null, team: string | null, search: string): InboxFilter {
  return {
    assignedTo: assignee === null ? null : assignee === NOBODY ? { unassigned: true } : { userId: assignee },
    status: status === null ? UNFINISHED : status === 'ALL' ? null : [status as ConversationStatus],
    teamId: team,
    search: search.trim() || null,
  };
}
