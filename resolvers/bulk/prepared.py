"""Statements that are made once for an operation, run for each of its chunks: to make them takes long."""

from sqlalchemy import Insert, Integer, Update, bindparam

from models.database import Tx
from models.prepared import Prepared
from models.types import Timestamp
from resolvers.bulk.operation import Chunk

REVISION = bindparam("chunk_revision", type_=Integer())
MET = bindparam("met_before", type_=Integer())
MOMENT = bindparam("moment", type_=Timestamp())


class OnChunks:
    """A statement in terms of these parameters and of LISTED, the rows of a chunk."""

    def __init__(self, statement: Insert | Update) -> None:
        self._statement = Prepared(statement)

    async def __call__(self, tx: Tx, chunk: Chunk) -> int:
        """Run it for a chunk; says how many rows it made or changed."""
        values = {"ids": chunk.ids, REVISION.key: chunk.revision, MET.key: chunk.met, MOMENT.key: tx.now}
        return await tx.change(self._statement, {name: values[name] for name in self._statement.names})
