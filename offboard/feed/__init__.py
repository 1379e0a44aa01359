"""How a committed event reaches a socket: broker, relay, hub, and the WebSocket transport.

What makes it safe
------------------

The rows decide. `models.events` numbers the events of a workspace without gaps, in the order of their commits. Whoever
stands at position n and reads the rows greater than n misses nothing and sees nothing twice. Everything here keeps
three positions apart and never lets one of them jump:

- A *channel* (one per workspace that somebody of this process follows) stands where the relay has read the rows to.
  It only ever moves by reading the next rows, one event at a time, and each event is offered to every subscription
  while the channel stands exactly at it.
- A *subscription* registers with its channel first and notes where the channel stands. Rows up to there it reads from
  the database itself, everything later comes through its queue: the two ranges meet and never overlap, however many
  transactions commit meanwhile.
- A *connection* was found alive by a statement that also read the feed's position P. Its revocation is therefore an
  event after P. If its channel stands beyond P already, the rows between are read again for this connection; if the
  channel is new, it starts at P. Either way no revocation falls between the check and the attaching.

A hint is only a hint. The broker says "this workspace has come to position n" and wakes the relay; the relay also asks
for the positions of all its channels by itself, every two seconds, in one statement. A lost hint costs time, never an
event; a hint too many costs one empty read.

Closed means closed. An event that ends a session or an access token is offered to the subscriptions first, then every
connection of that credential leaves the hub in the same step of the event loop, so that nothing later can reach it. Its
subscriptions end after their last event; the socket holds back what they still say and sends it together with the
close frame, in one write. Independently of all events, every connection's credential is checked against the database
every five seconds, and a process that could not do so for fifteen closes its connections with 1013.

A slow reader hurts itself only. Subscriptions have bounded queues. One that is full aborts its own connection's
transport; the client comes back with its cursor and gets the rest from the rows.

Concurrency
-----------

All state of the hub is changed on the event loop without awaiting in between. Only the relay moves channels, one
reader per channel at a time. Callbacks into a connection's outlet do not block and do not raise.

Dependencies
------------

`models` only. Neither GraphQL's schema nor the resolvers are known here: who may see what comes in as a predicate
(`Feed.follow`), who is still signed in as a callable (`StillAlive`), and what an operation answers through `Api`.
"""

from offboard.feed.api import Api, Result, Scope
from offboard.feed.audience import Answers, Audience, Following
from offboard.feed.brokers import Broker, MemoryBroker
from offboard.feed.connection import Connection, Credential, Identity, Outlet
from offboard.feed.errors import OperationFailed, Unauthorized
from offboard.feed.feed import Feed
from offboard.feed.protocol import Operation
from offboard.feed.relay import Periods, StillAlive
from offboard.feed.socket import Endpoint
from offboard.feed.transport import SERVER_OPTIONS, OneWriteProtocol

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
