import { Button, Skeleton, Textarea } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { AddNoteDocument, AssignConversationDocument, type Conversation, ConversationDocument } from '../api';
import { Page } from '../frame/Page';
import { ColleaguePicker } from '../parts/ColleaguePicker';
import { inFull } from '../parts/dates';
import { Empty } from '../parts/Empty';
import { ErrorNote } from '../parts/ErrorNote';
import { StarIcon } from '../parts/icons';
import { say } from '../parts/notices';
import { Refusals, refusalOf } from '../parts/Refusals';
import { Time } from '../parts/Time';
import { useScreen } from '../session/hooks';
import { usePerform } from '../session/perform';
import { count, named, words } from '../words';
import { Assignee } from './Assignee';

type Thread = NonNullable<Conversation['conversation']>;

/** One conversation: who has it, what the team wrote about it, what was promised, and how it was rated. */
export function ConversationScreen({ id }: { id: string }) {
  const { data, error, refetch } = useScreen(ConversationDocument, { id });
  if (!data) return error ? <ErrorNote error={error} retry={refetch} /> : <Skeleton height={420} />;
  const { conversation, viewer } = data;
  if (!conversation) {
    return (
      <Empty title={words.conversation.notFound}>
        <Link href="/inbox">{words.conversation.toInbox}</Link>
      </Empty>
    );
  }
  const mayWrite = viewer?.roles.some((role) => role !== 'VIEWER') ?? false;
  return (
    <Page title={conversation.subject}>
      <p>
        {conversation.customer.name} <span className="muted">{conversation.customer.email}</span>
      </p>
      <div className="conversation">
        <Notes conversation={conversation} mayWrite={mayWrite} refetch={refetch} />
        <div className="conversation-side">
          <Assignment conversation={conversation} mayWrite={mayWrite} refetch={refetch} />
          {conversation.assignments.edges.length > 0 && <Assignments conversation={conversation} />}
          {conversation.followUps.length > 0 && <FollowUps conversation={conversation} />}
          {conversation.csat && <Rating csat={conversation.csat} />}
        </div>
      </div>
    </Page>
  );
}

interface Part {
  readonly conversation: Thread;
  readonly mayWrite: boolean;
  readonly refetch: () => void;
}

function Assignment({ conversation, mayWrite, refetch }: Part) {
  const { error, refusals, perform } = usePerform(AssignConversationDocument);

  async function assign(id: string | null) {
    const to = id === null ? { unassigned: true as const } : { userId: id };
    if (!(await perform({ input: { conversationId: conversation.id, to } }))) return;
    say(words.conversation.assigned);
    refetch();
  }
  return (
    <section className="panel" aria-labelledby="assignee">
      <h2 id="assignee">{words.inbox.assignee}</h2>
      {error && <ErrorNote error={error} />}
      <Refusals of={refusals} />
      <Assignee of={conversation.assignee} />
      {mayWrite && (
        <>
          <ColleaguePicker value={null} onChange={(id) => void assign(id)} />
          {conversation.assignee && (
            <Button size="xs" variant="default" onClick={() => void assign(null)}>
              {words.conversation.unassign}
            </Button>
          )}
        </>
      )}
      <dl className="facts">
        <dt>{words.inbox.status}</dt>
        <dd>
          {named(words.inbox.statuses, conversation.status)}
          {conversation.snoozedUntil && <span className="muted"> · {inFull(conversation.snoozedUntil)}</span>}
        </dd>
        <dt>{words.users.teamLabel}</dt>
        <dd>{conversation.team?.name ?? words.conversation.noTeam}</dd>
        <dt>{words.conversation.begun}</dt>
        <dd>{inFull(conversation.createdAt)}</dd>
      </dl>
    </section>
  );
}

/** Through whose hands it went, the last first. */
function Assignments({ conversation }: { conversation: Thread }) {
  const { edges, totalCount } = conversation.assignments;
  return (
    <section className="panel" aria-labelledby="assignments">
      <h2 id="assignments">{words.conversation.assignments}</h2>
      <ol className="history">
        {edges.map(({ cursor, node: { at, from, to, by, operation } }) => (
          <li key={cursor}>
            <span className="muted">
              <Time at={at} />
            </span>
            <span>
              {words.conversation.moved(from?.displayName ?? words.unassigned, to?.displayName ?? words.unassigned)}
              <span className="muted"> · {operation ? words.conversation.handedOverBy(by.displayName) : words.conversation.movedBy(by.displayName)}</span>
            </span>
          </li>
        ))}
      </ol>
      {totalCount > edges.length && <p className="muted">{words.conversation.older(count(totalCount - edges.length, 'entry', 'entries'))}</p>}
    </section>
  );
}

function Notes({ conversation, mayWrite, refetch }: Part) {
  const [body, setBody] = useState('');
  const { busy, error, refusals, perform } = usePerform(AddNoteDocument);
  const { edges, totalCount } = conversation.notes;

  async function submit() {
    if (!(await perform({ input: { conversationId: conversation.id, body } }))) return;
    setBody('');
    refetch();
  }
  return (
    <section className="panel" aria-labelledby="notes">
      <h2 id="notes">{words.conversation.notes}</h2>
      {mayWrite && (
        <form
          className="note-form"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {error && <ErrorNote error={error} />}
          <Refusals of={refusals} except={['body']} />
          <Textarea
            aria-label={words.conversation.write}
            placeholder={words.conversation.write}
            value={body}
            onChange={(event) => setBody(event.currentTarget.value)}
            error={refusalOf('body', refusals)}
            rows={2}
          />
          <Button type="submit" size="xs" loading={busy} disabled={body.trim() === ''}>
            {words.conversation.add}
          </Button>
        </form>
      )}
      {edges.length === 0 && <p className="muted">{words.conversation.noNotes}</p>}
      <ol className="notes">
        {edges.map(({ node }) => (
          <li key={node.id}>
            <p className="muted">
              <strong>{node.author.displayName}</strong> · <Time at={node.createdAt} />
            </p>
            <p className="note-body">{node.body}</p>
          </li>
        ))}
      </ol>
      {totalCount > edges.length && <p className="muted">{words.conversation.older(count(totalCount - edges.length, 'note', 'notes'))}</p>}
    </section>
  );
}

function FollowUps({ conversation }: { conversation: Thread }) {
  return (
    <section className="panel" aria-labelledby="followups">
      <h2 id="followups">{words.conversation.followUps}</h2>
      <ul className="devices">
        {conversation.followUps.map(({ id, kind, dueAt, assignee }) => (
          <li key={id}>
            <span className="who">
              <span>
                {named(words.conversation.kinds, kind)} · <Time at={dueAt} />
              </span>
              <Assignee of={assignee} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Rating({ csat }: { csat: NonNullable<Thread['csat']> }) {
  return (
    <section className="panel" aria-labelledby="rating">
      <h2 id="rating">{words.conversation.rating}</h2>
      <p className="stars" role="img" aria-label={words.conversation.stars(csat.rating)}>
        {Array.from({ length: 5 }, (_, index) => (
          <span key={index} className={index < csat.rating ? 'star' : 'star-none'}>
            <StarIcon />
          </span>
        ))}
      </p>
      {csat.comment && <p>{csat.comment}</p>}
      <p className="muted">
        <Time at={csat.respondedAt} />
        {csat.handledBy && ` · ${words.conversation.handledBy(csat.handledBy.displayName)}`}
      </p>
    </section>
  );
}
