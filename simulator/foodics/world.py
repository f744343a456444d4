"""Foodics' data: businesses, customers, tags and addresses, kept small and in order.

A customer is kept as the bytes of its record, its tags and addresses beside it, so that 200,000
fit and a page is a join.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from simulator.foodics.switches import FoodicsSwitches, Record, shape, shown

_MANY = 200
_KEPT_AT_MOST = {"rows": 5000, "lists": 8}
_END = "\0"  # ends a key's value: below every letter, so that a prefix comes first


class Order(NamedTuple):
    """One way to order customers; what has no value stands below all that have one."""

    sort: str
    which: str  # living | deleted | all
    shuffled: bool = False


def customer_of(key: str) -> str:
    """Return the customer id of an order's key."""
    return key.rpartition(_END)[2]


def after(moment: str, *, inclusive: bool) -> str:
    """Return what stands just before the first key later than this (or as late, if inclusive)."""
    return moment if inclusive else moment + "\1"


@dataclass
class Business:
    """A business and everything in it; soft-deleted customers and tags stay, with their stamp."""

    record: Record
    settings: Record
    seed: int = 0
    customers: dict[str, bytes] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    tags: dict[str, Record] = field(default_factory=dict)
    tags_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    addresses_of: dict[str, bytes] = field(default_factory=dict)
    former_addresses: list[Record] = field(default_factory=list)
    zones: dict[str, Record] = field(default_factory=dict)
    _orders: dict[Order, list[str]] = field(default_factory=dict)
    _kept: dict[str, dict[tuple[object, ...], Any]] = field(default_factory=dict)
    _tags_json: dict[tuple[str, ...], bytes] = field(default_factory=dict)

    def living(self) -> list[str]:
        """Return the ids of the customers that are not deleted."""
        return [one for one in self.customers if one not in self.deleted]

    def visible(self) -> list[str]:
        """Return the ids of the customers that are not deleted and may be seen."""
        return [one for one in self.living() if one not in self.hidden]

    def customer(self, customer_id: str) -> Record:
        """Return a customer's own fields."""
        return dict(orjson.loads(self.customers[customer_id]))

    def order(self, wanted: Order) -> list[str]:
        """Return the keys of the customers that may be seen, in rising order."""
        if wanted not in self._orders:
            pool = self.deleted if wanted.which == "deleted" else self.customers
            keys = (self.key(self.customer(one), wanted) for one in pool)
            self._orders[wanted] = sorted(key for key in keys if key is not None)
        return self._orders[wanted]

    def key(self, record: Record, order: Order) -> str | None:
        """Return where a customer stands in an order, None where it does not."""
        customer_id: str = record["id"]
        is_deleted = bool(record.get("deleted_at"))
        if customer_id in self.hidden or (
            order.which != "all" and is_deleted != (order.which == "deleted")
        ):
            return None
        tie = self._digest(customer_id) if order.shuffled else ""
        return f"{_sortable(record.get(order.sort))}{_END}{tie}{_END}{customer_id}"

    def _digest(self, text: str) -> str:
        salt = str(self.seed).encode()[:16]
        return hashlib.blake2b(text.encode(), digest_size=4, key=salt).hexdigest()

    def put(self, *records: Record) -> None:
        """Store customers' own fields and keep every order."""
        before = [
            self.customer(record["id"]) if record["id"] in self.customers else None
            for record in records
        ]
        for record in records:
            self.customers[record["id"]] = orjson.dumps(record)
            (self.deleted.add if record.get("deleted_at") else self.deleted.discard)(record["id"])
        for order in self._orders:
            pairs = [
                (self.key(old, order) if old else None, self.key(new, order))
                for old, new in zip(before, records, strict=True)
            ]
            self._move(order, [(old, new) for old, new in pairs if old != new])
        self._kept.clear()

    def remove(self, customer_id: str) -> None:
        """Take a customer out altogether."""
        record = self.customer(customer_id)
        for order in self._orders:
            self._move(order, [(self.key(record, order), None)])
        del self.customers[customer_id]
        self.deleted.discard(customer_id)
        self.tags_of.pop(customer_id, None)
        self.addresses_of.pop(customer_id, None)
        self.former_addresses = [
            one for one in self.former_addresses if one["customer"]["id"] != customer_id
        ]
        self._kept.clear()

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
        self._kept.clear()

    def changed(self) -> None:
        """Forget what was derived from tags and addresses."""
        self._kept.clear()
        self._tags_json.clear()

    def kept(self, kind: str, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        """Return `rows` or `lists` that are derived, made once for as long as nothing changes."""
        store = self._kept.setdefault(kind, {})
        if key not in store:
            if len(store) >= _KEPT_AT_MOST[kind]:
                store.clear()
            store[key] = make()
        return store[key]

    def tags_on(self, customer_id: str) -> tuple[str, ...]:
        """Return the ids of a customer's tags, deleted ones left out."""
        ids = self.tags_of.get(customer_id, ())
        return tuple(one for one in ids if not self.tags[one]["deleted_at"])

    def tag_counts(self) -> Mapping[str, int]:
        """Return how many customers that may be seen have each tag."""

        def make() -> Counter[str]:
            shown = self.tags_of.keys() - self.deleted - self.hidden
            return Counter(tag for one in shown for tag in self.tags_of[one])

        counts: Counter[str] = self.kept("lists", ("counts",), make)
        return counts

    def json(self, customer_id: str, includes: Iterable[str], switches: FoodicsSwitches) -> bytes:
        """Return a customer as it is sent, with what it is asked to include."""
        raw = self.customers[customer_id]
        if any(shape(switches)):
            raw = orjson.dumps(shown(orjson.loads(raw), switches))
        if not includes:
            return raw
        parts = [raw[:-1]]
        if "tags" in includes:
            parts += (b',"tags":', self._tags_of_json(self.tags_of.get(customer_id, ())))
        if "addresses" in includes:
            addresses = self.addresses_of.get(customer_id, b"[]")
            if "addresses.delivery_zone" not in includes:
                addresses = _without_zones(addresses)
            parts += (b',"addresses":', addresses)
        parts.append(b"}")
        return b"".join(parts)

    def _tags_of_json(self, ids: tuple[str, ...]) -> bytes:
        if ids not in self._tags_json:
            tags = [self.tags[one] for one in ids]
            tiny = [{"id": tag["id"], "name": tag["name"]} for tag in tags if not tag["deleted_at"]]
            self._tags_json[ids] = orjson.dumps(tiny)
        return self._tags_json[ids]


def _without_zones(addresses: bytes) -> bytes:
    records = orjson.loads(addresses)
    for record in records:
        record.pop("delivery_zone", None)
    return orjson.dumps(records)


def _sortable(value: object) -> str:
    """Return text that sorts as the value does."""
    if isinstance(value, bool | int | float):
        # Balances may be negative; the shift keeps them in order.
        return f"{value + 1e9:018.4f}"
    return value.lower() if isinstance(value, str) else ""
