"""Values that could not be kept: what `ops.rejects` shows, landed with the rows they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from sources.content import canonical
from sources.convert import Kind

_LONGEST = 1_000


@dataclass(frozen=True)
class Reject:
    """A value that could not be kept: which record and field, why, and the value as JSON.

    The value is people's data, and is landed only where the job says so.
    """

    record_id: str | None
    field: str
    reason: str
    value: str | None = None

    @classmethod
    def of(cls, record_id: str | None, field: str, reason: str, sent: Any) -> Reject:
        """Return the reject of what a vendor sent, or of one value of an Arrow column."""
        plain = sent.as_py() if isinstance(sent, pa.Scalar) else sent
        short = plain[:_LONGEST] if isinstance(plain, str) else plain
        return cls(record_id, field, reason, canonical(short).decode("utf-8", "replace")[:_LONGEST])


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


def reject_rows(
    rejects: Sequence[tuple[str, Reject]], observed: datetime, *, values: bool, **scan: str
) -> pa.Table:
    """Return (resource, reject) as rows of the table `rejects`; `scan` names the other keys.

    Without `values` the rejected values are NULL.
    """
    count = len(rejects)
    columns = {name: pa.repeat(value, count) for name, value in scan.items()}
    columns["resource"] = pa.array([resource for resource, _ in rejects], pa.string())
    for name in ("record_id", "field", "reason", "value"):
        told = [getattr(reject, name) for _, reject in rejects]
        columns[name] = pa.array(told, pa.string())
    columns["value"] = columns["value"] if values else pa.nulls(count, pa.string())
    columns["_observed_at"] = pa.repeat(pa.scalar(observed, Kind.TIMESTAMP.arrow), count)
    return pa.table([columns[name] for name in _REJECTS.names], schema=_REJECTS)
