"""What a field needs while one operation runs: who asks, a snapshot to read from, loaders, and a way to act."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from models.database import Database, Reader, Tx
from resolvers.attempts import Attempts
from resolvers.errors import Unauthenticated
from resolvers.viewer import Viewer

K = TypeVar("K", bound=Hashable)
P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V")

Batch = Callable[Concatenate[Reader, Viewer, Collection[K], P], Awaitable[Mapping[K, V]]]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is handed out stays good, and how hard passwords are hashed (argon2id passes)."""

    session: timedelta
    invitation: timedelta
    password_reset: timedelta
    hash_cost: int


@dataclass(frozen=True, slots=True)
class Client:
    """What the transport knows of the client."""

    ip_address: str | None = None
    user_agent: str | None = None


@dataclass(slots=True)
class WebSession:
    """What becomes of the session that a browser keeps in a cookie: the transport sends it along with the answer.

    `held` is the token that came with the request.
    """

    held: str | None = None
    token: str | None = None
    expires_at: datetime | None = None
    is_over: bool = False

    def open(self, token: str, expires_at: datetime | None) -> None:
        """Keep this session from now on."""
        self.token, self.expires_at, self.is_over = token, expires_at, False

    def end(self) -> None:
        """Keep none any more."""
        self.token, self.is_over = None, True


class Context:
    """The context of one operation. `caller` is who signed the request in, None for nobody.

    `span` tells what is done under which name, for traces.
    `web_session` is there if the client is a browser that keeps its session in a cookie: no answer shows its token.
    """

    def __init__(
        self,
        database: Database,
        lifetimes: Lifetimes,
        *,
        caller: Viewer | None = None,
        client: Client | None = None,
        web_session: WebSession | None = None,
        attempts: Attempts,
        span: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._database = database
        self.lifetimes = lifetimes
        self.attempts = attempts
        self.caller = caller
        self.client = client or Client()
        self.web_session = web_session
        self.span = span
        self.reader = database.read()
        self._reads_as = caller
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}

    def sign_in(self, caller: Viewer) -> None:
        """Say who asks, before anything is executed."""
        self.caller = self._reads_as = caller

    @property
    def viewer(self) -> Viewer:
        """Who asks; raises Unauthenticated if nobody is signed in."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    @property
    def reads_as(self) -> Viewer:
        """Through whose eyes an answer is read: the caller's, or whoever has just signed in."""
        if self._reads_as is None:
            raise Unauthenticated
        return self._reads_as

    async def load(self, batch: Batch[K, P, V], key: K, *args: P.args, **kwargs: P.kwargs) -> Any:
        """The value of one key, fetched together with all others that this answer needs; None where there is none."""
        name = (batch, args, tuple(sorted(kwargs.items())))
        loader = self._loaders.get(name)
        if loader is None:

            async def fetch(keys: list[K]) -> list[V | None]:
                found = await batch(self.reader, self.reads_as, keys, *args, **kwargs)
                return [found.get(key) for key in keys]

            loader = self._loaders[name] = DataLoader(load_fn=fetch)
        return await loader.load(key)

    async def perform(
        self, verb: Callable[Concatenate[Tx, Viewer, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Let the viewer do something, in a transaction of its own; what is read afterwards sees it done."""
        viewer = self.viewer
        await self.forget(reads_as=viewer)
        with self.span(verb.__name__):
            return await self._database.transact(lambda tx: verb(tx, viewer, *args, **kwargs))

    async def act(self, verb: Callable[Concatenate[Database, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Let a verb do something that takes more, or other, than one transaction of the viewer's."""
        with self.span(verb.__name__):
            return await verb(self._database, *args, **kwargs)

    async def forget(self, reads_as: Viewer | None = None) -> None:
        """Drop the snapshot and everything loaded from it, and perhaps read on through other eyes."""
        await self.reader.refresh()
        self._loaders.clear()
        self._reads_as = reads_as or self._reads_as


Info = strawberry.Info[Context, None]
