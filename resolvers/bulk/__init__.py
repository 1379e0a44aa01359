"""Bulk operations of any size: handing work over, taking that back, and releasing what a deleted user had.

Every transaction that changes who has work, or what a person did to it, holds the workspace's lock and draws the next
revision of the workspace, which it writes on what it changes. An operation draws one when it starts, N. Then

    the set that it matched = the rows that fulfil its filter in that moment, which are
    the rows with a revision below N that fulfil it now

because whatever changed a row since has written N or more on it: a person, another operation, this one. What is still
to do can therefore be read at any time, by any node, after any crash, and starting an operation writes one row.
The clock draws a revision too when it wakes conversations, but notes it apart (`woken`), as nobody has touched them: a
row which woke since the start, `woken >= N`, is known to have been asleep then.

What an operation matches is counted before the lock is taken, unless it is little: that takes longer than a lock may be
held. The snapshot tells the workspace's revision as well. If N is the one after it, nothing has changed since and the
count is exact; else it stands for the moment, and whoever takes the operation on first counts again: what is below N.

An operation goes on in chunks, each a short transaction: the lock; the lease is still held and the targets are still
active; rows that are still below N are moved, noted with what they were before, and counted on the operation, together
with the place up to which it has come. So all of a chunk happens, or nothing. The ids of a chunk were read before, in
a snapshot, without the lock: under it, their revision alone tells whether they still belong to the set.

Each row is met once. Conversations are walked in order of creation, and of what was read at once each status by itself,
so that neighbours in the table and its indexes change together; those that several share in turn, in inbox order. In
either an untouched row keeps its place unless it wakes; those that woke are gone through afterwards, by which time no
other can wake: all the rest was met. Follow-ups are walked by id. What was met is counted as moved or as right already;
of what is matched the rest was changed by somebody, and is counted as skipped at the end.

    plan.py        what a hand-over set out to do, as it is stored
    prepared.py    statements that are made once for all chunks of an operation
    handing.py, undoing.py, releasing.py    what is to do next for each kind of operation, and doing a chunk of it
    moving.py      a chunk of a hand-over
    counting.py    how much it matched
    job.py         an operation with what it is to do
    running.py     chunks, and how operations begin and end
    leases.py      which node carries it on
"""
