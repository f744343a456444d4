"""What follows from records alone: their hashes, their rows of the log, their children.

Nothing here asks what is known, so all of it may as well be made elsewhere (`sources.worker`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from sources.buffer import Buffer
from sources.records import Child, Context, Shape
from sources.rejects import Reject
from sources.rows import Rows


@dataclass(frozen=True)
class Facts:
    """What the rows of a scan depend on besides the records."""

    vendor: str
    tenant_id: str
    scan_id: str
    context: Context


class Source(Protocol):
    """Records that can be had as rows of the log."""

    def rows(self, places: Sequence[int], op: str = "upsert") -> Rows:
        """Return those at these places, each named once, in rising order."""
        ...


@dataclass
class Family:
    """The children of one kind that some records have.

    Attributes:
        told: Place of each record that says what it has → its id, and when it was seen.
        places: For each child the place of its parent; `scopes` its parent's id.
        ids: The children's own, once for each parent.
        marks: Their hashes.
        source: Their rows.
        rejects: Place of a parent, and what of its children could not be kept.
    """

    told: dict[int, tuple[str, datetime]]
    places: list[int]
    scopes: list[str]
    ids: list[str]
    marks: list[str]
    source: Source
    rejects: list[tuple[int, Reject]]

    def only(self, parents: set[int]) -> Family:
        """Return the children of the records at these places."""
        ours = [place for place, at in enumerate(self.places) if at in parents]
        scopes, ids, marks = (
            [column[place] for place in ours] for column in (self.scopes, self.ids, self.marks)
        )
        return Family(
            {at: one for at, one in self.told.items() if at in parents},
            [self.places[place] for place in ours],
            scopes,
            ids,
            marks,
            self.source.rows(ours),
            [one for one in self.rejects if one[0] in parents],
        )


class Made(Source, Protocol):
    """What is made of the records of a buffer; a place is one in it."""

    @property
    def buffer(self) -> Buffer:
        """What it is made of; whether it still holds the records is not said."""
        ...

    @property
    def marks(self) -> list[str]:
        """The hash of each record, with what else has to be equal for no change."""
        ...

    @property
    def dead(self) -> set[int]:
        """Places of records the vendor says it has no more."""
        ...

    def families(self, places: Sequence[int]) -> list[Family]:
        """Return the children, kind by kind, of the records at these places."""
        ...


class Here:
    """Made in this process, each part when it is asked for.

    `salt` is what a record's meaning depends on besides itself, and is hashed with it.
    """

    def __init__(self, shape: Shape, buffer: Buffer, facts: Facts, salt: bytes = b"") -> None:
        self.shape, self.buffer, self.facts, self.salt = shape, buffer, facts, salt

    @cached_property
    def marks(self) -> list[str]:
        """As of `Made`."""
        hashed, salt = self.shape.fingerprint, self.salt
        return [
            f"{hashed(record, salt)}:{note}" if note else hashed(record, salt)
            for record, note in zip(self.buffer.records, self.buffer.notes, strict=True)
        ]

    @cached_property
    def dead(self) -> set[int]:
        """As of `Made`."""
        buried, records = self.shape.tombstone, self.buffer.records
        if buried is None:
            return set()
        return {at for at, record in enumerate(records) if record.get(buried) is not None}

    def rows(self, places: Sequence[int], op: str = "upsert") -> Rows:
        """As of `Made`."""
        some = self.buffer.only(places)
        made = self.shape.rows(
            some.records,
            ids=some.ids,
            hashes=[self.marks[at] for at in places],
            observed=some.observed,
            tenant_id=self.facts.tenant_id,
            scan_id=self.facts.scan_id,
            scopes=some.scopes,
            context=self.facts.context,
        )
        return made.rows(range(len(places)), op)

    def families(self, places: Sequence[int]) -> list[Family]:
        """As of `Made`."""
        return [self._family(child, places) for child in self.shape.children]

    def _family(self, child: Child, places: Sequence[int]) -> Family:
        buffer, of, rejects = Buffer(), list[int](), list[tuple[int, Reject]]()
        told: dict[int, tuple[str, datetime]] = {}
        for at in places:
            held = child.entries(self.buffer.records[at])
            if held is None:
                continue
            parent, seen = told[at] = self.buffer.ids[at], self.buffer.observed[at]
            once = {}
            for entry in held:
                entry_id = child.shape.record_id(entry)
                if entry_id is None:
                    why = "an entry without a usable id"
                    rejects.append((at, Reject.of(parent, child.shape.key, why, entry)))
                    continue
                once[entry_id] = entry
            for key, entry in once.items():
                of.append(at)
                buffer.add(parent, key, entry, seen)
        made = Here(child.shape, buffer, self.facts)
        return Family(told, of, buffer.scopes, buffer.ids, made.marks, made, rejects)
