"""Importing people and work from another system, one JSON object a line. docs/import.md is the format."""

from resolvers.importing.batch import import_batch
from resolvers.importing.lines import BadLine, Line, parse_line
from resolvers.importing.stream import BATCH_LINES, import_lines
from resolvers.importing.tally import KINDS, Tally

__all__ = ["BATCH_LINES", "KINDS", "BadLine", "Line", "Tally", "import_batch", "import_lines", "parse_line"]
