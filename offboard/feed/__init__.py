"""How a committed event reaches a client: broker, relay, hub, audiences, and the transports (sockets, event streams).

What makes it safe
------------------

The rows decide. `models.events` numbers the events of a workspace without gaps, in the order of their commits. Whoever
stands at position n and reads the rows greater than n misses nothing and sees nothing twice. Everything here keeps
three positions apart and never lets one of them jump:

- A *channel* (one per workspace that somebody of this process follows) stands where the relay has read the rows to.
  It only ever moves by reading the next rows, one event at a time, and each event is delivered while the channel stands
  exactly at it.
- A *subscription* registers under its topic first and notes where the channel stands. Rows up to there it catches up
  with from the database, while it collects what is delivered meanwhile: the two ranges meet and never overlap, however
  many transactions commit in between. It is told an event only if it stands before it.
- A *connection* was found alive by a statement that also read the feed's position P. Its revocation is therefore an
  event after P. If its channel stands beyond P already, the rows between are read again for this connection; if the
  channel is new, it starts at P. Either way no revocation falls between the check and the attaching. The same holds for
  the rights of a subscription, which were checked at a position too.

A hint is only a hint. The broker says "this workspace has come to position n" and wakes the relay; what this process
commits itself wakes it without a broker; and the relay asks for the positions of all its channels by itself, every two
seconds, in one statement. A lost hint costs time, never an event; a hint too many costs one empty read.

Closed means closed. An event that ends a session or an access token is told to the subscriptions of that credential's
connections, and these leave the hub in the same step of the event loop, so that nothing later can reach them. Only
some turns of the loop later the channel moves, and all others are told: whoever is closed waits for none of
thousands. Who comes with that credential in between is told and closed as the channel moves. The transport holds back
what is still owed to it and sends that together with its end, in one write. Independently of all events, every
connection's credential is checked against the database at least every five seconds, and a process that could not do
so for fifteen closes its connections with 1013.

Said once, heard by all
-----------------------

An *audience* is everybody who gets the same answer to the same event: the same document, the same variables (but for
the cursor), the same standing of the viewer. An event is executed and encoded once for an audience, and the same bytes
go to all of it, framed with each one's operation id. Whether an answer is the same for all is not declared anywhere,
but found out: it is executed for somebody without identity, and if anything asked who that is, the answer is thrown
away and made for each subscriber by itself. A subscriber costs a few small objects; a task works for an audience while
there is something to say, and for a subscriber while it catches up.

Whoever's roles change leaves its audience at that very event, is checked again, and goes on after the last event that
it was told: in the company of another audience, or not at all.

A slow reader hurts itself only. What waits for a connection is bounded in events and in bytes; one that is full, or has
not read for twenty seconds, is cut off. The client comes back with its cursor and gets the rest from the rows.

Concurrency
-----------

All state of the hub is changed on the event loop without awaiting in between. Only the relay moves channels, one
reader per channel at a time. Callbacks into a connection's outlet do not block and do not raise.

Dependencies
------------

`models` only. Neither GraphQL's schema nor the resolvers are known here: what an operation follows and how its events
are answered comes in through `Api` and `Answers`, and who is still signed in as a callable (`StillAlive`).
"""

from offboard.feed.api import Api, Result, Scope
from offboard.feed.audience import Answers, Audience, Following
from offboard.feed.brokers import Broker, MemoryBroker
from offboard.feed.connection import Connection, Credential, Identity, Outlet
from offboard.feed.errors import OperationFailed, Unauthorized
from offboard.feed.feed import Feed
from offboard.feed.protocol import Operation
from offboard.feed.relay import Periods, StillAlive
from offboard.feed.serving import SERVER_OPTIONS
from offboard.feed.socket import Endpoint
from offboard.feed.transport import OneWriteProtocol

__all__ = [
    "SERVER_OPTIONS",
    "Answers",
    "Api",
    "Audience",
    "Broker",
    "Connection",
    "Credential",
    "Endpoint",
    "Feed",
    "Following",
    "Identity",
    "MemoryBroker",
    "OneWriteProtocol",
    "Operation",
    "OperationFailed",
    "Outlet",
    "Periods",
    "Result",
    "Scope",
    "StillAlive",
    "Unauthorized",
]
