import { Skeleton } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ProfileDocument, type Profile, type Role } from '../api';
import { Page } from '../frame/Page';
import { Avatar } from '../parts/Avatar';
import { StatusBadge } from '../parts/Badges';
import { inFull } from '../parts/dates';
import { Empty } from '../parts/Empty';
import { ErrorNote } from '../parts/ErrorNote';
import { Time } from '../parts/Time';
import { useScreen, useUserChanges, useViewer } from '../session/hooks';
import type { UserChange } from '../session/session';
import { words } from '../words';
import { Actions } from './Actions';
import { DeactivateDialog } from './DeactivateDialog';
import { DeleteDialog } from './DeleteDialog';
import { Devices } from './Devices';
import { HoldDialog } from './HoldDialog';
import { ReactivateDialog } from './ReactivateDialog';
import { Roles } from './Roles';
import { Standing } from './Standing';
import { WorkloadPanel } from './WorkloadPanel';

export type Person = NonNullable<Profile['user']>;
export type Dialog = 'deactivate' | 'reactivate' | 'delete' | 'hold' | null;

/** One person: what they may do, where they are signed in, what they have to do, and what happened to them. */
export function ProfileScreen({ id }: { id: string }) {
  const { data, error, refetch } = useScreen(ProfileDocument, { id });
  const [isDeleted, setDeleted] = useState(false);
  const [dialog, setDialog] = useState<Dialog>(null);
  useUserChanges(
    useCallback(
      ({ userId, user }: UserChange) => {
        if (userId !== id) return;
        if (user === null) setDeleted(true);
        else refetch();
      },
      [id, refetch],
    ),
  );
  useOpening(setDialog);
  const viewer = useViewer()?.viewer;

  if (isDeleted) return <Nobody title={words.profile.deletedNow} help={words.profile.deletedNowHelp} />;
  if (!data) return error ? <ErrorNote error={error} retry={refetch} /> : <ProfileSkeleton />;
  const { user, auditLog } = data;
  if (!user) return <Nobody title={words.profile.notFound} help={words.profile.notFoundHelp} />;
  const mine: readonly Role[] = viewer?.roles ?? [];
  const isAdmin = mine.includes('OWNER') || mine.includes('ADMIN');
  const mayAct = mine.includes('OWNER') || (isAdmin && !user.roles.includes('OWNER'));
  return (
    <Page title={user.name} actions={mayAct && <Actions user={user} open={setDialog} />}>
      <div className="person">
        <Avatar name={user.name} size="large" />
        <div>
          <p>
            {user.email} <StatusBadge status={user.status} pending={user.invitationPending} />
            {user.isSoleOwner && <span className="badge badge-warn">{words.profile.soleOwner}</span>}
          </p>
          <p className="muted">
            {words.profile.joined(inFull(user.createdAt))}
            {user.lastSignedInAt && ` · ${words.profile.lastIn(inFull(user.lastSignedInAt))}`}
          </p>
        </div>
      </div>
      <Standing user={user} mayAct={mayAct} />
      <div className="panels">
        <Roles user={user} mine={mine} mayAct={mayAct} />
        <WorkloadPanel user={user} />
        {user.sessions && <Devices user={user} sessions={user.sessions} mayAct={mayAct || user.id === viewer?.id} isMe={user.id === viewer?.id} refetch={refetch} />}
        {auditLog && <History id={id} log={auditLog} />}
      </div>
      {dialog === 'deactivate' && <DeactivateDialog user={user} close={() => setDialog(null)} />}
      {dialog === 'reactivate' && <ReactivateDialog user={user} close={() => setDialog(null)} />}
      {dialog === 'hold' && <HoldDialog user={user} close={() => setDialog(null)} />}
      {dialog === 'delete' && <DeleteDialog user={user} isOwner={mine.includes('OWNER')} instead={() => setDialog('deactivate')} close={() => setDialog(null)} />}
    </Page>
  );
}

/** A link may ask for a dialog: /users/…?open=deactivate. */
function useOpening(open: (dialog: Dialog) => void): void {
  const [path, navigate] = useLocation();
  useEffect(() => {
    const asked = new URLSearchParams(location.search).get('open');
    if (asked !== 'deactivate' && asked !== 'reactivate' && asked !== 'delete') return;
    open(asked);
    navigate(path, { replace: true });
  }, [open, path, navigate]);
}

function History({ id, log }: { id: string; log: NonNullable<Profile['auditLog']> }) {
  return (
    <section className="panel panel-wide" aria-labelledby="history">
      <h2 id="history">{words.profile.audit}</h2>
      {log.edges.length === 0 && <p className="muted">{words.profile.noAudit}</p>}
      <ol className="history">
        {log.edges.map(({ node }) => (
          <li key={node.id}>
            <span className="muted">
              <Time at={node.at} />
            </span>
            <span>{node.summary}</span>
          </li>
        ))}
      </ol>
      {log.pageInfo.hasNextPage && <Link href={`/audit-log?target=${id}`}>{words.profile.allAudit}</Link>}
    </section>
  );
}

function Nobody({ title, help }: { title: string; help: string }) {
  return (
    <Empty title={title} help={help}>
      <Link href="/users">{words.errors.toUsers}</Link>
    </Empty>
  );
}

function ProfileSkeleton() {
  return (
    <div role="status" aria-label={words.loading} className="skeletons">
      <Skeleton height={28} width={220} />
      <Skeleton height={64} />
      <Skeleton height={160} />
      <Skeleton height={220} />
    </div>
  );
}
