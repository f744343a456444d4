"""Records on their way from a page to the log, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sources.job import ScanReport
from sources.payload import Record
from sources.records import Context, Rows, Shape


@dataclass
class Buffer:
    """Five columns of equal length; `marks` are the records' hashes."""

    scopes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    observed: list[datetime] = field(default_factory=list)

    def add(self, scope: str, key: str, mark: str, record: Record, observed: datetime) -> None:
        """Add one record."""
        self.scopes.append(scope)
        self.ids.append(key)
        self.marks.append(mark)
        self.records.append(record)
        self.observed.append(observed)

    def only(self, places: Sequence[int]) -> Buffer:
        """Return what stands at these places, each named once, in rising order."""
        if len(places) == len(self.ids):
            return self
        return Buffer(
            [self.scopes[at] for at in places],
            [self.ids[at] for at in places],
            [self.marks[at] for at in places],
            [self.records[at] for at in places],
            [self.observed[at] for at in places],
        )

    def of(self, shape: Shape, report: ScanReport, context: Context, op: str = "upsert") -> Rows:
        """Return the records as rows of a shape's log, as seen by a scan."""
        return shape.rows(
            self.records,
            ids=self.ids,
            hashes=self.marks,
            observed=self.observed,
            tenant_id=report.tenant_id,
            scan_id=report.scan_id,
            scopes=self.scopes,
            context=context,
            op=op,
        )
