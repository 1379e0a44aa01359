-- Makes a furnished database a large installation: so many rows that an index is worth its while, and statistics of
-- them. A tenth of everything belongs to the workspace that is there, the rest to ninety others. Of what waits for its
-- time nothing is due, whenever this runs: where all of it is due, a scan and an index cost the same.

-- Foreign keys hold by themselves here, and checking them takes longer than all the rest.
SET session_replication_role = replica;

CREATE TEMPORARY TABLE place AS
SELECT number, CASE WHEN number < 10 THEN workspace.id ELSE gen_random_uuid() END AS id
FROM workspace, generate_series(0, 99) AS number;

CREATE TEMPORARY TABLE person AS
SELECT n AS number, place.id AS workspace_id, gen_random_uuid() AS id, gen_random_uuid() AS account_id,
    gen_random_uuid() AS actor_id, gen_random_uuid() AS token_id, gen_random_uuid() AS service_id,
    now() - n * interval '1 hour' AS since, substr(md5(n::text), 1, 6) AS name
FROM generate_series(0, 9999) AS n JOIN place ON place.number = n % 100;

CREATE TEMPORARY TABLE work AS
SELECT n AS number, place.id AS workspace_id, gen_random_uuid() AS id, gen_random_uuid() AS operation_id,
    (ARRAY['OPEN', 'OPEN', 'SNOOZED', 'CLOSED', 'CLOSED'])[1 + n % 5] AS status,
    timestamptz '2026-03-08 00:00Z' - n * interval '1 minute' AS since, substr(md5(n::text), 1, 6) AS word
FROM generate_series(0, 19999) AS n JOIN place ON place.number = n % 100;

INSERT INTO workspace (id, slug, name, retention_days, created_at, feed_generation, event_position, pruned_position)
SELECT id, 'place-' || number, 'Place', 30, now(), 'abcd', 0, 0 FROM place WHERE number >= 10;

INSERT INTO account SELECT account_id, number || '@large.test', 'hash', since FROM person;

INSERT INTO "user" (id, workspace_id, account_id, email, name, name_key, status, pending, epoch, created_at,
    last_signed_in_at)
SELECT id, workspace_id, account_id, number || '@large.test', name, name,
    CASE WHEN number % 9 = 0 THEN 'INACTIVE' ELSE 'ACTIVE' END, false, 0, since, since + interval '1 hour'
FROM person;

INSERT INTO access_token (id, workspace_id, created_by_id, name, scopes, secret_hash, created_at)
SELECT token_id, workspace_id, actor_id, 'Token', 'USERS_READ', 'token ' || number, since FROM person
WHERE number % 5 = 0;

INSERT INTO actor (id, workspace_id, kind, user_id, access_token_id)
SELECT actor_id, workspace_id, 'USER', id, NULL::uuid FROM person
UNION ALL SELECT service_id, workspace_id, 'SERVICE', NULL, token_id FROM person WHERE number % 5 = 0
UNION ALL SELECT gen_random_uuid(), id, 'SYSTEM', NULL, NULL FROM place WHERE number >= 10;

UPDATE "user" SET deactivated_at = created_at, deactivation_reason = 'OTHER' WHERE status = 'INACTIVE';

INSERT INTO scheduled_departure (id, workspace_id, user_id, scheduled_by_id, scheduled_at, at, reason,
    revoke_access_tokens, due_at)
SELECT gen_random_uuid(), workspace_id, id, actor_id, since, since + interval '2 years', 'OTHER', false,
    since + interval '2 years'
FROM person WHERE number % 9 > 0;

INSERT INTO legal_hold (user_id, workspace_id, placed_by_id, placed_at, note)
SELECT id, workspace_id, actor_id, since, 'Case' FROM person WHERE number % 2 = 0;

INSERT INTO announced_deletion (user_id, workspace_id, announced_at, delete_at)
SELECT id, workspace_id, since, since + interval '2 years' FROM person WHERE number % 9 = 0;

INSERT INTO notice (id, workspace_id, user_id, kind, details, created_at, mail_due_at, attempts)
SELECT gen_random_uuid(), workspace_id, id, 'DEPARTURE_FAILED', '{}', since, since + interval '2 years', 1 FROM person;

INSERT INTO user_role (user_id, role, workspace_id, status, name_key, created_at, last_signed_in_at)
SELECT id, CASE WHEN number < 200 THEN 'OWNER' WHEN number < 1000 THEN 'ADMIN' ELSE 'AGENT' END, workspace_id, status,
    name_key, created_at, last_signed_in_at
FROM person JOIN "user" USING (id, workspace_id);

INSERT INTO user_word (workspace_id, word, user_id)
SELECT workspace_id, word, id FROM person, LATERAL (VALUES (name), (number || '@large.test')) AS words (word);

INSERT INTO session (id, workspace_id, user_id, token_hash, epoch, client, created_at, last_seen_at, expires_at,
    ended_at)
SELECT gen_random_uuid(), workspace_id, id, 'session ' || number || ' ' || device, 0, 'WEB', since, since,
    now() + (1 + number % 700) * interval '1 hour', CASE WHEN device = 1 THEN since END
FROM person, generate_series(1, 2) AS device;

INSERT INTO team (id, workspace_id, name)
SELECT gen_random_uuid(), id, 'Team ' || place.number || ' ' || each FROM place, generate_series(1, 20) AS each;

INSERT INTO team_member (team_id, user_id, status, name_key, created_at, last_signed_in_at)
SELECT DISTINCT ON (person.id) team.id, person.id, status, name_key, created_at, last_signed_in_at
FROM person
JOIN "user" ON "user".id = person.id
JOIN team ON team.workspace_id = person.workspace_id
ORDER BY person.id, md5(team.name || person.name);

INSERT INTO mailed_link (id, workspace_id, user_id, kind, token_hash, created_at, expires_at, attempts)
SELECT gen_random_uuid(), workspace_id, id, 'INVITATION', 'link ' || number, since, since + interval '7 days', 1
FROM person WHERE number % 5 = 1;

INSERT INTO conversation (id, workspace_id, external_id, subject, status, snoozed_until, customer_name, assignee_id,
    team_id, created_at, updated_at, revision)
SELECT work.id, work.workspace_id, 'large-' || work.number, 'Refund ' || word, work.status,
    CASE WHEN work.status = 'SNOOZED' THEN now() + work.number * interval '1 minute' END, 'Kim',
    CASE WHEN work.number % 7 > 0 THEN actor_id END,
    CASE WHEN work.number % 3 > 0 THEN team_id END, work.since, work.since, 0
FROM work
JOIN person ON person.number = (work.number * 37) % 100 * 100 + work.number % 100
JOIN team_member ON team_member.user_id = person.id;

INSERT INTO conversation_word (workspace_id, word, conversation_id)
SELECT workspace_id, words.word, id FROM work, LATERAL (VALUES ('refund'), (work.word), ('kim')) AS words (word);

INSERT INTO note (id, workspace_id, conversation_id, external_id, body, author_id, created_at)
SELECT gen_random_uuid(), workspace_id, id, 'large-' || number, 'Called back, will call again', assignee_id, created_at
FROM (SELECT *, row_number() OVER () AS number FROM conversation WHERE assignee_id IS NOT NULL) AS assigned;

INSERT INTO follow_up (id, workspace_id, conversation_id, external_id, kind, due_at, assignee_id, revision)
SELECT gen_random_uuid(), workspace_id, id, external_id, CASE status WHEN 'OPEN' THEN 'CALLBACK' ELSE 'FOLLOW_UP' END,
    created_at, assignee_id, 0
FROM conversation WHERE status <> 'CLOSED';

INSERT INTO csat_response (conversation_id, workspace_id, rating, responded_at, handled_by_id)
SELECT id, workspace_id, 5, updated_at, assignee_id FROM conversation WHERE status = 'CLOSED';

INSERT INTO bulk_operation (id, workspace_id, status, started_by_id, started_at, matched, processed,
    reassigned_conversations, reassigned_follow_ups, skipped)
SELECT operation_id, work.workspace_id, 'COMPLETED', actor_id, work.since, 1, 1, 1, 0, 0
FROM work JOIN person ON person.number = work.number WHERE work.number < 5000;

INSERT INTO assignment (operation_id, conversation_id, revision, at)
SELECT operation_id, id, 0, since FROM work WHERE number < 5000;

INSERT INTO bulk_chunk (operation_id, revision, conversation_ids)
SELECT operation_id, 0, ARRAY[id] FROM work WHERE number < 5000;

INSERT INTO follow_up_assignment (operation_id, follow_up_id, revision)
SELECT operation_id, follow_up.id, 0
FROM work JOIN follow_up ON follow_up.conversation_id = work.id WHERE work.number < 5000;

INSERT INTO audit_entry (id, workspace_id, at, action, actor_id, target_id, details)
SELECT gen_random_uuid(), person.workspace_id, work.since,
    (ARRAY['SIGNED_IN', 'SIGNED_IN', 'NOTE_ADDED', 'CONVERSATION_ASSIGNED', 'SESSION_REVOKED'])[1 + work.number % 5],
    actor_id, actor_id, '{}'
FROM work JOIN person ON person.number = (work.number * 37) % 100 * 100 + work.number % 100;

INSERT INTO event (workspace_id, position, kind, occurred_at, user_id)
SELECT workspace_id, row_number() OVER (PARTITION BY workspace_id ORDER BY since), 'USER_CHANGED', since, id FROM person;

ANALYZE
