"""LOKE's data: organisations, customers, lists and members, kept small and in order.

A customer is kept as the bytes of its record, so that a million of them fit and a page is a join.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from simulator.loke.switches import LokeSwitches, Record

_MOMENT, _TIE = 23, 8
_MANY = 200
_RENDERED_AT_MOST = 50_000


class Order(NamedTuple):
    """One way to order customers. What has no stamp stands above or below all that have."""

    sort: str  # created | updated | mixed
    nulls_high: bool = False
    shuffled: bool = False


@dataclass
class CustomerList:
    """A list: its record, whether this client made it, and when each member was added."""

    record: Record
    ours: bool
    members: dict[str, str] = field(default_factory=dict)
    _keys: list[str] | None = None

    def keys(self) -> list[str]:
        """Return the members' keys in the order they were added; see `member_of`."""
        if self._keys is None:
            self._keys = sorted(_pad(added) + member for member, added in self.members.items())
        return self._keys

    def changed(self) -> None:
        """Forget what was derived from the members."""
        self._keys = None


def member_of(key: str) -> str:
    """Return the customer id of a list's key."""
    return key[_MOMENT:]


def customer_of(key: str) -> str:
    """Return the customer id of an order's key."""
    return key[_MOMENT + _TIE :]


@dataclass
class Organization:
    """An organisation and everything in it."""

    record: Record
    seed: int = 0
    customers: dict[str, bytes] = field(default_factory=dict)
    deleted: dict[str, bytes] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    lists: dict[str, CustomerList] = field(default_factory=dict)
    webhooks: dict[str, Record] = field(default_factory=dict)
    _orders: dict[Order, list[str]] = field(default_factory=dict)
    _rendered: dict[tuple[object, ...], bytes] = field(default_factory=dict)

    def order(self, sort: str, switches: LokeSwitches) -> list[str]:
        """Return the keys of all customers that may be seen, in rising order."""
        if sort == "updated" and switches.direction == "mixed":
            wanted = Order("mixed")
        else:
            falling = sort == "created" or switches.direction == "descending"
            nulls_high = (switches.nulls_sort == "first") == falling
            wanted = Order(sort, nulls_high, switches.ties == "shuffled")
        if wanted not in self._orders:
            keys = [
                self._key(orjson.loads(raw), wanted)
                for customer_id, raw in self.customers.items()
                if customer_id not in self.hidden
            ]
            keys.sort()
            self._orders[wanted] = keys
        return self._orders[wanted]

    def _key(self, record: Record, order: Order) -> str:
        customer_id: str = record["id"]
        if order.sort == "mixed":
            return self._digest(customer_id, _MOMENT + _TIE) + customer_id
        moment = record.get("createdAt" if order.sort == "created" else "updatedAt")
        tie = self._digest(customer_id, _TIE) if order.shuffled else "0" * _TIE
        nothing = ("~" if order.nulls_high else " ") * _MOMENT
        return (_pad(moment) if isinstance(moment, str) else nothing) + tie + customer_id

    def _digest(self, text: str, size: int) -> str:
        salt = str(self.seed).encode()[:16]
        return hashlib.blake2b(text.encode(), digest_size=size, key=salt).hexdigest()[:size]

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
        self._rendered.clear()

    def remove(self, customer_id: str) -> bytes | None:
        """Take a customer out; return its record."""
        record = self._record(customer_id)
        if record is None:
            return None
        if customer_id not in self.hidden:
            for order in self._orders:
                self._move(order, [(self._key(record, order), None)])
        self._rendered.clear()
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
        self._rendered.clear()

    def rendered(self, key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
        """Return a page's body, made once for as long as no customer and no list changes."""
        body = self._rendered.get(key)
        if body is None:
            if len(self._rendered) >= _RENDERED_AT_MOST:
                self._rendered.clear()
            body = self._rendered[key] = make()
        return body

    def changed(self, list_id: str) -> None:
        """Take note that a list's members changed."""
        self.lists[list_id].changed()
        self._rendered.clear()


def _pad(moment: str) -> str:
    """Return a stamp as 23 characters that sort by time, to the millisecond."""
    text = moment.rstrip("Z")
    return (text if "." in text else text + ".000")[:_MOMENT].ljust(_MOMENT, "0")
