"""Rows of the change log, on their way to the destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
import pyarrow as pa

from sources.rejects import Reject


@dataclass
class Rows:
    """Rows of the log; of which of them what was rejected; field names nobody documented."""

    table: pa.Table
    rejects: list[tuple[int, Reject]] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)

    def rows(self, places: Sequence[int], op: str = "upsert") -> Rows:
        """Return those at these rising places, as upserts unless `op` says otherwise."""
        table, rejects = self.table, self.rejects
        if len(places) < table.num_rows:
            kept = {at: new for new, at in enumerate(places)}
            rejects = [(kept[at], reject) for at, reject in rejects if at in kept]
            table = table.take(pa.array(places, pa.int64()))
        if op != "upsert":
            at = table.schema.get_field_index("_op")
            table = table.set_column(at, table.schema.field(at), pa.repeat(op, len(places)))
        unknown = self.unknown
        if unknown and table.num_rows < self.table.num_rows:
            extras = table.column("_extra").drop_null().to_pylist()
            unknown = {name for extra in extras for name in orjson.loads(extra)}
        return Rows(table, rejects, unknown)
