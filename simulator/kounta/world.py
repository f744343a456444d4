"""Kounta's data: companies and their customers, kept small and in order.

A customer is kept as two JSON objects, what the list sends and what only the whole record has: so
that a page is a join.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from simulator.kounta.switches import ABRIDGED, Record

Kept = tuple[bytes, bytes]


@dataclass
class Company:
    """A company, its client, and everything in it. Ids are numbers here, text outside."""

    company_id: str
    name: str
    timezone: str
    made: datetime
    heads: dict[int, bytes] = field(default_factory=dict)
    rests: dict[int, bytes] = field(default_factory=dict)
    deleted: dict[int, Kept] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    webhooks: dict[int, Record] = field(default_factory=dict)
    _ids: list[int] | None = None

    @property
    def client_id(self) -> str:
        """The client that may read this company, and no other."""
        return f"regulars-{self.company_id}"

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return f"secret-of-{self.company_id}-of-no-value"

    def ids(self) -> list[int]:
        """Return the ids of all customers that may be seen, in rising order."""
        if self._ids is None:
            self._ids = sorted(self.heads.keys() - self.hidden if self.hidden else self.heads)
        return self._ids

    def record(self, customer_id: int) -> Record:
        """Return a customer's record as it is kept."""
        record: Record = orjson.loads(self.heads[customer_id])
        record.update(orjson.loads(self.rests[customer_id]))
        return record

    def put(self, record: Record) -> None:
        """Store a customer's record and keep the order."""
        head = {name: record[name] for name in ABRIDGED if name in record}
        rest = {name: value for name, value in record.items() if name not in head}
        self.keep(record["id"], (orjson.dumps(head), orjson.dumps(rest)))

    def keep(self, customer_id: int, kept: Kept) -> None:
        """Store a customer as it is kept, and keep the order."""
        new = customer_id not in self.heads
        self.heads[customer_id], self.rests[customer_id] = kept
        if new and self._ids is not None and customer_id not in self.hidden:
            insort(self._ids, customer_id)

    def remove(self, customer_id: int) -> None:
        """Take a customer out, and remember it as it was."""
        if customer_id not in self.heads:
            return
        kept = self.heads.pop(customer_id), self.rests.pop(customer_id)
        self.deleted[customer_id] = kept
        if self._ids is not None and customer_id not in self.hidden:
            del self._ids[bisect_left(self._ids, customer_id)]

    def show(self, hidden: Iterable[int]) -> None:
        """Make these, and no others, the customers that may not be seen."""
        self.hidden = set(hidden)
        self._ids = None

    def find(self, wanted: Record) -> Iterator[int]:
        """Yield the ids of those that may be seen and have just these texts, in rising order."""
        # A quote inside a text is escaped, so that a key and its value can only be themselves.
        needles = [
            (self.heads if name in ABRIDGED else self.rests, orjson.dumps({name: value})[1:-1])
            for name, value in wanted.items()
        ]
        for customer_id in self.ids():
            if all(needle in parts[customer_id] for parts, needle in needles):
                yield customer_id
