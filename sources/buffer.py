"""Records on their way from a page to the log, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sources.payload import Body, Record


@dataclass
class Buffer:
    """Five columns of equal length, the records' own empty once they are in another process.

    `notes` are added to the records' hashes, "" for nothing. `bodies` are the records as they came,
    in their order, of use where they are all of them.
    """

    scopes: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    observed: list[datetime] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)

    def add(self, scope: str, key: str, record: Record, observed: datetime) -> None:
        """Add one record."""
        self.scopes.append(scope)
        self.ids.append(key)
        self.notes.append("")
        self.records.append(record)
        self.observed.append(observed)

    def extend(
        self,
        scope: str,
        keys: Sequence[str],
        records: Sequence[Record],
        observed: datetime,
        notes: Sequence[str],
        body: Body | None = None,
    ) -> None:
        """Add several, seen at once."""
        if body and records and len(body.places) == len(records):
            self.bodies.append(body)
        self.scopes += [scope] * len(keys)
        self.ids += keys
        self.notes += notes
        self.records += records
        self.observed += [observed] * len(keys)

    def only(self, places: Sequence[int]) -> Buffer:
        """Return what stands at these places, each named once, in rising order."""
        if len(places) == len(self.ids):
            return self
        return Buffer(
            [self.scopes[at] for at in places],
            [self.ids[at] for at in places],
            [self.notes[at] for at in places],
            [self.records[at] for at in places],
            [self.observed[at] for at in places],
        )

    def filled(self, records: list[Record]) -> Buffer:
        """Return the same with these records, wherever they came from."""
        return replace(self, records=records, bodies=[])
