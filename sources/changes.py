"""What a scan has found out since its last part: rows of the log, rejects, unheard-of fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa

from sources.job import Job, ScanReport
from sources.records import Rows, Shape
from sources.rejects import Reject, reject_rows


class Changes:
    """Collects tables by resource until they are drained into a dlt resource."""

    def __init__(self, job: Job, report: ScanReport, shape: Shape, state: dict[str, Any]) -> None:
        self._job, self._report, self._shape, self._state = job, report, shape, state
        self._tables: list[tuple[str, pa.Table]] = []
        self._rejects: list[tuple[str, Reject]] = []
        self.rows = 0

    def add(self, table: pa.Table, resource: str | None = None) -> None:
        """Keep rows of the scan's own table, or of a child's."""
        if table.num_rows:
            self._tables.append((resource or self._shape.resource, table))
            self.rows += table.num_rows

    def add_rows(self, rows: Rows, shape: Shape) -> None:
        """Keep converted rows, with what was rejected on the way and what nobody documented."""
        self.add(rows.table, shape.resource)
        self.reject(rows.rejects, shape.resource)
        self._tell_unknown(rows.unknown, shape.resource)

    def reject(self, rejects: Sequence[Reject], resource: str | None = None) -> None:
        """Keep what could not be kept."""
        self._rejects += [(resource or self._shape.resource, reject) for reject in rejects]

    def _tell_unknown(self, names: set[str], resource: str) -> None:
        """Say once, for good, that the vendor sends fields nobody documented."""
        key = "unknown_fields" if resource == self._shape.resource else f"unknown_{resource}"
        told = set(self._state.get(key, ()))
        if names - told:
            self._job.log.warning(
                "%s/%s: undocumented fields %s; they are kept in _extra",
                self._report.vendor,
                resource,
                ", ".join(sorted(names - told)),
            )
            self._state[key] = sorted(told | names)

    def drain(self) -> Iterator[pa.Table]:
        """Yield what was kept, and keep it no longer."""
        tables, self._tables = self._tables, []
        self.rows = 0
        for resource, table in tables:
            own = resource == self._shape.resource
            yield table if own else dlt.mark.with_table_name(table, resource)
        if self._rejects:
            rejects, self._rejects = self._rejects, []
            names = ("run_id", "vendor", "tenant_id")
            scan = {name: getattr(self._report, name) for name in names}
            rows = reject_rows(rejects, self._job.observe(), **scan)
            yield dlt.mark.with_table_name(rows, "rejects")
