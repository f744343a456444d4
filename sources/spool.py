"""Rows that wait until their part is at its end: in memory while few, in a nameless file else."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile

import pyarrow as pa

_IN_MEMORY = 1 << 20


class Spool:
    """Tables of one schema, first in, first out."""

    def __init__(self, schema: pa.Schema, folder: Path | None) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY, dir=str(folder) if folder else None)  # noqa: SIM115  kept until drained
        # A generator that nobody takes to its end closes nothing.
        self.close = weakref.finalize(self, self._file.close)
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), schema)

    def add(self, table: pa.Table) -> None:
        """Keep a table."""
        self._writer.write_table(table)

    def drain(self) -> Iterator[pa.Table]:
        """Yield what was kept, one table at a time, and keep it no longer."""
        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(pa.PythonFile(self._file, "r")) as batches:
            for batch in batches:
                yield pa.Table.from_batches([batch])
        self.close()
