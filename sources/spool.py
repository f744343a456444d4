"""Rows that wait until their part is at its end: in memory while few, in a nameless file else."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile

import pyarrow as pa

_IN_MEMORY = 1 << 20
# dlt takes 2 ms for a table, however few rows it has.
_AT_ONCE = 5_000
_BUFFER = 1 << 18


class Spool:
    """Tables of one schema, first in, first out."""

    def __init__(self, schema: pa.Schema, folder: Path | None) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY, dir=str(folder) if folder else None)  # noqa: SIM115  kept until drained
        # A generator that nobody takes to its end closes nothing.
        self.close = weakref.finalize(self, self._file.close)
        self._schema = schema
        self._file.write(schema.serialize())

    def add(self, table: pa.Table) -> None:
        """Keep a table; raises ValueError for one of another schema."""
        if not table.schema.equals(self._schema):
            raise ValueError("rows of another table")
        # A stream's own writer writes hundreds of pieces, and waits for its turn with each.
        for batch in table.to_batches():
            self._file.write(batch.serialize())

    def drain(self) -> Iterator[pa.Table]:
        """Yield what was kept, some thousand rows at a time, and keep it no longer."""
        self._file.seek(0)
        source = pa.BufferedInputStream(pa.PythonFile(self._file, "r"), _BUFFER)
        with pa.ipc.open_stream(source) as batches:
            some, rows = list[pa.RecordBatch](), 0
            for batch in batches:
                some.append(batch)
                rows += batch.num_rows
                if rows >= _AT_ONCE:
                    yield pa.Table.from_batches(some)
                    some, rows = [], 0
            if some:
                yield pa.Table.from_batches(some)
        self.close()
