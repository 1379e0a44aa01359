import { Button, MultiSelect, Skeleton, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { type Audit, type AuditAction, AuditDocument, type AuditFilter, type Entry, type MoreAudit, MoreAuditDocument } from '../api';
import { Page } from '../frame/Page';
import { inFull } from '../parts/dates';
import { Empty } from '../parts/Empty';
import { ErrorNote } from '../parts/ErrorNote';
import { More } from '../parts/More';
import { PersonFilter } from '../parts/PersonFilter';
import { useParameters } from '../parts/parameters';
import { pageOf, usePages } from '../session/usePages';
import { named, words } from '../words';
import { rangeOf } from './range';

const ACTIONS = Object.entries(words.audit.actions).map(([value, label]) => ({ value, label }));

const pageIn = ({ auditLog }: Audit | MoreAudit) => pageOf<Entry>(auditLog);

/** What happened, newest first. */
export function AuditScreen() {
  const [parameters, change] = useParameters();
  const actions = parameters.getAll('action').flatMap((each) => each.split(','));
  const [actor = null, target = null, from = null, to = null] = ['actor', 'target', 'from', 'to'].map((name) => parameters.get(name));
  const key = parameters.toString();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- all of them are in the key
  const variables = useMemo(() => variablesOf(actions, actor, target, from, to), [key]);
  const { data, rows, isComplete, isOld, error, more, refetch } = usePages({ first: AuditDocument, more: MoreAuditDocument, variables, pageIn });
  const count = data?.auditLog?.totalCount;

  return (
    <Page title={words.audit.title} actions={count !== undefined && <span className="muted">{words.audit.count(count)}</span>}>
      <div className="filters">
        <MultiSelect
          className="filter-wide"
          data={ACTIONS}
          value={actions}
          onChange={(values) => change({ action: values.join(',') })}
          aria-label={words.audit.action}
          {...(actions.length === 0 ? { placeholder: words.audit.anyAction } : {})}
          searchable
          clearable
        />
        <PersonFilter label={words.audit.actor} placeholder={words.audit.anyActor} value={actor} current={data?.actor} onChange={(id) => change({ actor: id })} />
        <PersonFilter label={words.audit.target} placeholder={words.audit.anyTarget} value={target} current={data?.target} onChange={(id) => change({ target: id })} />
        <TextInput type="date" aria-label={words.audit.from} value={from ?? ''} max={to ?? undefined} onChange={(event) => change({ from: event.currentTarget.value })} leftSection={<span className="muted">{words.audit.fromShort}</span>} leftSectionWidth={52} />
        <TextInput type="date" aria-label={words.audit.to} value={to ?? ''} min={from ?? undefined} onChange={(event) => change({ to: event.currentTarget.value })} leftSection={<span className="muted">{words.audit.toShort}</span>} leftSectionWidth={52} />
      </div>
      {error && rows.length === 0 ? (
        <ErrorNote error={error} retry={refetch} />
      ) : !data ? (
        <div role="status" aria-label={words.loading}>
          <Skeleton height={320} />
        </div>
      ) : rows.length === 0 ? (
        <Empty title={words.audit.empty} help={words.audit.emptyHelp}>
          {key !== '' && (
            <Button variant="default" onClick={() => change({ action: null, actor: null, target: null, from: null, to: null })}>
              {words.users.clear}
            </Button>
          )}
        </Empty>
      ) : (
        <ol className={`log${isOld ? ' old' : ''}`} aria-busy={isOld}>
          {rows.map((entry) => (
            <li key={entry.id}>
              <time dateTime={entry.at} className="muted">
                {inFull(entry.at)}
              </time>
              <span className="badge">{named(words.audit.actions, entry.action)}</span>
              <span>{entry.summary}</span>
            </li>
          ))}
        </ol>
      )}
      {data && !isComplete && <More more={more} />}
    </Page>
  );
}

function variablesOf(actions: readonly string[], actor: string | null, target: string | null, from: string | null, to: string | null) {
  const filter: AuditFilter = {
    action: actions.length === 0 ? null : (actions as AuditAction[]),
    actorId: actor,
    targetId: target,
    ...rangeOf(from, to),
  };
  return { filter, actorId: actor ?? '', hasActor: actor !== null, targetId: target ?? '', hasTarget: target !== null };
}
