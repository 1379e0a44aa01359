import { Button, Select, Tabs, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import type { Role, UserStatus } from '../api';
import { Page } from '../frame/Page';
import { Empty } from '../parts/Empty';
import { ErrorNote } from '../parts/ErrorNote';
import { SearchIcon } from '../parts/icons';
import { useParameters } from '../parts/parameters';
import { useViewer } from '../session/hooks';
import { total, words } from '../words';
import { InviteDialog } from './InviteDialog';
import type { Filters } from './list';
import { useUserList } from './useUserList';
import { UserRowsSkeleton, UserTable } from './UserTable';

const ROLES = Object.entries(words.roles).map(([value, label]) => ({ value, label }));
const STATUSES: readonly UserStatus[] = ['ACTIVE', 'INACTIVE'];
const TYPED = 150;

/** Settings -> Users: who is here, and who has left. What is looked for is in the address. */
export function UsersScreen() {
  const [parameters, change] = useParameters();
  const status: UserStatus = parameters.get('tab') === 'inactive' ? 'INACTIVE' : 'ACTIVE';
  const role = parameters.get('role') as Role | null;
  const teamId = parameters.get('team');
  const typed = parameters.get('q') ?? '';
  const [search] = useDebouncedValue(typed, typed === '' ? 0 : TYPED);
  const filters = useMemo<Filters>(() => ({ status, role, teamId, search }), [status, role, teamId, search]);
  const { list, counts, teams, error, retry, more } = useUserList(filters);
  const isFiltered = role !== null || teamId !== null || typed !== '';

  return (
    <Page title={words.users.title} actions={<Invite teams={teams} />}>
      <Tabs value={status} onChange={(value) => change({ tab: value === 'INACTIVE' ? 'inactive' : null })} className="users">
        <div className="bar">
          <Tabs.List>
            {STATUSES.map((each) => (
              <Tabs.Tab key={each} value={each} rightSection={counts && <span className="tab-count">{total(counts[each])}</span>}>
                {words.status[each]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <div className="filters">
            <TextInput
              type="search"
              className="filter-search"
              value={typed}
              onChange={(event) => change({ q: event.currentTarget.value })}
              placeholder={words.users.search}
              aria-label={words.users.search}
              leftSection={<SearchIcon />}
            />
            <Select
              data={ROLES}
              value={role}
              onChange={(value) => change({ role: value })}
              placeholder={words.users.role}
              aria-label={words.users.roleLabel}
              clearable
            />
            <Select
              data={teams.map(({ id, name }) => ({ value: id, label: name }))}
              value={teamId}
              onChange={(value) => change({ team: value })}
              placeholder={words.users.team}
              aria-label={words.users.teamLabel}
              clearable
              searchable
            />
          </div>
        </div>
        {STATUSES.map((each) => (
          <Tabs.Panel key={each} value={each} className="users-panel">
            {each !== status ? null : error && !list ? (
              <ErrorNote error={error} retry={retry} />
            ) : !list ? (
              <UserRowsSkeleton />
            ) : list.rows.length === 0 ? (
              <NoUsers status={status} isFiltered={isFiltered} clear={() => change({ q: null, role: null, team: null })} />
            ) : (
              <UserTable list={list} total={counts?.[status] ?? 0} more={more} />
            )}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}

function NoUsers({ status, isFiltered, clear }: { status: UserStatus; isFiltered: boolean; clear: () => void }) {
  if (!isFiltered && status === 'INACTIVE') return <Empty title={words.users.emptyInactive} help={words.users.emptyInactiveHelp} />;
  return (
    <Empty title={words.users.emptyFiltered} help={words.users.emptyFilteredHelp}>
      <Button variant="default" onClick={clear}>
        {words.users.clear}
      </Button>
    </Empty>
  );
}

function Invite({ teams }: { teams: readonly { readonly id: string; readonly name: string }[] }) {
  const roles = useViewer()?.viewer?.roles ?? [];
  const [isOpen, setOpen] = useState(false);
  if (!roles.includes('OWNER') && !roles.includes('ADMIN')) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>{words.users.invite}</Button>
      {isOpen && <InviteDialog teams={teams} isOwner={roles.includes('OWNER')} close={() => setOpen(false)} />}
    </>
  );
}
