"""Importing a file of any size: read, checked and written a batch at a time."""

from collections.abc import Callable, Iterator
from typing import BinaryIO
from uuid import UUID

from models.database import Database, Tx
from resolvers.importing.batch import import_batch
from resolvers.importing.lines import BadLine, Line, parse_line
from resolvers.importing.tally import Tally

BATCH_LINES = 1_000
BATCH_BYTES = 8 * 1024 * 1024
LONGEST_LINE = 1024 * 1024


async def import_lines(
    database: Database, workspace_id: UUID, file: BinaryIO, on_batch: Callable[[int], object] = lambda _: None
) -> Tally:
    """Import a file, a transaction for each batch of at most 1,000 lines; `on_batch` is told how many bytes it had.

    Raises BadLine for the first batch with a bad line: nothing of that batch is written, and what came before stays.
    """
    tally, imported = Tally(), 0
    try:
        for batch, size in _batches(file):

            async def write(tx: Tx, batch: list[tuple[int, Line]] = batch) -> Tally:
                return await import_batch(tx, workspace_id, batch)

            tally.add(await database.transact(write))
            imported += len(batch)
            on_batch(size)
    except BadLine as bad:
        bad.imported = imported
        raise
    return tally


def _batches(file: BinaryIO) -> Iterator[tuple[list[tuple[int, Line]], int]]:
    batch: list[tuple[int, Line]] = []
    size = 0
    for number, text in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
        if len(text) > LONGEST_LINE:
            raise BadLine(number, f"longer than {LONGEST_LINE:,} bytes")
        batch.append((number, parse_line(number, text)))
        size += len(text)
        if len(batch) == BATCH_LINES or size >= BATCH_BYTES:
            yield batch, size
            batch, size = [], 0
    if batch:
        yield batch, size
