"""Values that could not be kept: what `ops.rejects` shows, landed with the rows they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa

from sources.convert import Kind


@dataclass(frozen=True)
class Reject:
    """A value that could not be kept: which record and field, and why. Never the value itself."""

    record_id: str | None
    field: str
    reason: str
    value: str | None = None


_REJECTS = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("run_id", "vendor", "tenant_id", "resource", "record_id", "field")
        ),
        ("reason", pa.string()),
        ("value", pa.string()),
        ("_observed_at", Kind.TIMESTAMP.arrow),
    ]
)


def reject_rows(rejects: Sequence[tuple[str, Reject]], observed: datetime, **scan: str) -> pa.Table:
    """Return (resource, reject) as rows of the table `rejects`; `scan` names the other keys."""
    rows = [
        {**scan, "resource": resource, **asdict(reject), "_observed_at": observed}
        for resource, reject in rejects
    ]
    return pa.Table.from_pylist(rows, schema=_REJECTS)
