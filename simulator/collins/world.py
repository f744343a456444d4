"""Collins's data: accounts, customers, venues and preferences, kept small and in order.

A customer is kept as the bytes of its record, so that a million of them fit and a page is a join.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from simulator.collins.switches import Record

STAMPED = ("created_date", "last_updated")
ALWAYS = ("!", "~")
_MOMENT, _TIE = 19, 8
_MANY = 200
_FOUND_AT_MOST = 1000


class Order(NamedTuple):
    """One way to order customers by a stamp; those without stand below or above all others."""

    stamp: str
    nulls_high: bool = False
    shuffled: bool = False


class Found(NamedTuple):
    """What a search found: a stretch of keys that rise, read upwards or downwards."""

    keys: Sequence[str]
    low: int
    high: int
    falling: bool = False

    @property
    def total(self) -> int:
        """Return how many they are."""
        return max(0, self.high - self.low)

    def ids(self, start: int, stop: int) -> list[str]:
        """Return the customer ids from one place to another."""
        if not self.falling:
            keys = self.keys[self.low + start : min(self.low + stop, self.high)]
        else:
            low = max(self.high - stop, self.low)
            keys = self.keys[low : max(self.high - start, low)][::-1]
        return [customer_of(key) for key in keys]


def customer_of(key: str) -> str:
    """Return the customer id of an order's key."""
    return key[_MOMENT + _TIE :]


def tie_of(key: str) -> str:
    """Return what orders equals: by id, or shuffled and then by id."""
    return key[_MOMENT:]


@dataclass
class Account:
    """What one token may see: a venue group, its venues and preferences, and the customers."""

    tenant: str
    seed: int = 0
    group: str = ""
    venues: dict[str, Record] = field(default_factory=dict)
    preferences: dict[str, Record] = field(default_factory=dict)
    active: dict[str, list[str]] = field(default_factory=dict)  # preferences by venue
    customers: dict[str, bytes] = field(default_factory=dict)
    deleted: dict[str, bytes] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    _orders: dict[Order, list[str]] = field(default_factory=dict)
    _found: dict[tuple[object, ...], Found] = field(default_factory=dict)

    def order(self, wanted: Order) -> list[str]:
        """Return the keys of all customers that may be seen, in rising order."""
        if wanted not in self._orders:
            keys = [
                self._key(orjson.loads(raw), wanted)
                for customer_id, raw in self.customers.items()
                if customer_id not in self.hidden
            ]
            keys.sort()
            self._orders[wanted] = keys
        return self._orders[wanted]

    def within(self, wanted: Order, low: str, high: str) -> tuple[list[str], int, int]:
        """Return an order's keys, and where stamps from `low` until before `high` stand in it."""
        keys = self.order(wanted)
        return keys, bisect_left(keys, low), bisect_left(keys, high)

    def _key(self, record: Record, order: Order) -> str:
        customer_id: str = record["id"]
        moment = record.get(order.stamp)
        tie = self._digest(customer_id) if order.shuffled else "0" * _TIE
        nothing = ("~" if order.nulls_high else " ") * _MOMENT
        known = isinstance(moment, str) and moment != ""
        return (str(moment)[:_MOMENT].ljust(_MOMENT) if known else nothing) + tie + customer_id

    def _digest(self, text: str) -> str:
        salt = str(self.seed).encode()[:16]
        return hashlib.blake2b(text.encode(), digest_size=_TIE, key=salt).hexdigest()[:_TIE]

    def put(self, *records: Record) -> None:
        """Store customers' records and keep every order."""
        before = [self._record(record["id"]) for record in records]
        for record in records:
            self.customers[record["id"]] = orjson.dumps(record)
        for order in self._orders:
            pairs = [
                (self._key(old, order) if old else None, self._key(new, order))
                for old, new in zip(before, records, strict=True)
                if new["id"] not in self.hidden
            ]
            self._move(order, [(old, new) for old, new in pairs if old != new])
        self._found.clear()

    def remove(self, customer_id: str) -> bytes | None:
        """Take a customer out; return its record."""
        record = self._record(customer_id)
        if record is None:
            return None
        if customer_id not in self.hidden:
            for order in self._orders:
                self._move(order, [(self._key(record, order), None)])
        self._found.clear()
        return self.customers.pop(customer_id)

    def _record(self, customer_id: str) -> Record | None:
        raw = self.customers.get(customer_id)
        return None if raw is None else dict(orjson.loads(raw))

    def _move(self, order: Order, pairs: list[tuple[str | None, str | None]]) -> None:
        keys = self._orders[order]
        if len(pairs) > _MANY:
            gone = {old for old, _ in pairs}
            kept = [key for key in keys if key not in gone]
            kept.extend(new for _, new in pairs if new)
            kept.sort()
            self._orders[order] = kept
            return
        for old, new in pairs:
            if old:
                del keys[bisect_left(keys, old)]
            if new:
                insort(keys, new)

    def show(self, hidden: Iterable[str]) -> None:
        """Make these, and no others, the customers that may not be seen."""
        self.hidden = set(hidden)
        self._orders.clear()
        self._found.clear()

    def found(self, key: tuple[object, ...], search: Callable[[], Found]) -> Found:
        """Return what a search finds, made once for as long as no customer changes."""
        result = self._found.get(key)
        if result is None:
            if len(self._found) >= _FOUND_AT_MOST:
                self._found.clear()
            result = self._found[key] = search()
        return result
