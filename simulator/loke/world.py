"""LOKE's data: organisations, customers, lists and members, kept small and in order.

A customer is kept as the bytes of its record, so that a million of them fit and a page is a join.
"""

from __future__ import annotations

import hashlib
import random
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from simulator.clock import stamp
from simulator.people import customer, ulid

Key = tuple[str, str, str]
Record = dict[str, Any]

OPTIONAL = (
    "createdAt",
    "updatedAt",
    "dob",
    "email",
    "gender",
    "hasAgreedToMarketing",
    "phoneNumber",
    "statistics",
)
_OLDER = {
    "lastPointsEarnedAt": "lastPointsEarned",
    "lastPointsRedeemedAt": "lastPointsRedeemed",
    "lastSpentAt": "lastSpend",
}


@dataclass
class LokeSwitches:
    """What LOKE might do otherwise; each default is the documented or likelier answer."""

    page_size: int = 1000  # customers a page
    organizations_page_size: int = 50
    lists_page_size: int = 50
    members_page_size: int = 100
    memberships_page_size: int = 10
    next_page: str = "absolute"  # or "relative"
    next_page_fault: str | None = None  # foreign | loop | cycle | empty_with_next | empty_string
    direction: str = "descending"  # of sort=updated; or "ascending", "mixed"
    cursor: str = "keyset"  # or "offset", which drifts when data change
    absent: str = "missing"  # how an unknown optional field is sent; or "null"
    statistics_names: str = "at"  # or "plain", the older spelling
    token_seconds: int = 3600
    token_auth: str = "both"  # which client authentication is accepted: "basic", "body"
    expired_status: int = 401
    date_header: bool = True
    gone_status: int = 404  # what a customer that is gone answers with
    hidden_status: int = 403  # what a customer we may not see answers with
    rate_limit: int | None = None  # requests a minute
    rate_limit_header: str = "retry_after"  # retry_after_date | retry_after_zero | reset_iso | …
    member_count: str = "exact"  # or "missing", "stale"
    nulls_sort: str = "last"  # where customers without updatedAt stand in sort=updated
    ties: str = "stable"  # order among equal stamps; or "shuffled"
    stamps_ms: bool = False  # createdAt and updatedAt with milliseconds
    extra_field: bool = False  # an undocumented `nickname`


@dataclass
class CustomerList:
    """A list: its record, whether this client made it, and when each member was added."""

    record: Record
    ours: bool
    members: dict[str, str] = field(default_factory=dict)


@dataclass
class Organization:
    """An organisation and everything in it."""

    record: Record
    customers: dict[str, bytes] = field(default_factory=dict)
    deleted: dict[str, bytes] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    lists: dict[str, CustomerList] = field(default_factory=dict)
    webhooks: dict[str, Record] = field(default_factory=dict)
    _order: dict[str, list[Key]] = field(default_factory=dict)
    _order_of: tuple[str, str] = ("", "")

    def order(self, sort: str, switches: LokeSwitches) -> list[Key]:
        """Return the keys of all customers in rising order of `created` or `updated`."""
        wanted = (switches.nulls_sort, switches.ties)
        if wanted != self._order_of:
            self._order, self._order_of = {}, wanted
        if sort not in self._order:
            keys = (self._key(orjson.loads(raw), sort) for raw in self.customers.values())
            self._order[sort] = sorted(keys)
        return self._order[sort]

    def _key(self, record: Record, sort: str) -> Key:
        nulls_first, shuffled = self._order_of[0] == "first", self._order_of[1] == "shuffled"
        moment = record.get(f"{sort}At") or ("~" if nulls_first else "")
        tie = hashlib.blake2b(record["id"].encode(), digest_size=4).hexdigest() if shuffled else ""
        return (moment, tie, record["id"])

    def put(self, record: Record) -> None:
        """Store a customer's record and keep every order."""
        self.remove(record["id"])
        self.customers[record["id"]] = orjson.dumps(record)
        for sort, keys in self._order.items():
            insort(keys, self._key(record, sort))

    def remove(self, customer_id: str) -> bytes | None:
        """Take a customer out; return its record."""
        raw = self.customers.pop(customer_id, None)
        if raw is not None:
            for sort, keys in self._order.items():
                del keys[bisect_left(keys, self._key(orjson.loads(raw), sort))]
        return raw


def build(
    rng: random.Random,
    now: datetime,
    *,
    customers: int,
    organizations: int = 3,
    lists: int | None = None,
    members_per_list: int | None = None,
) -> dict[str, Organization]:
    """Return organisations that hold so many customers in all; the last of three is empty."""
    facts = [
        ("Quay Taverns", "AUD", "Australia/Sydney", 0.7, 8),
        ("Lantern & Larder", "GBP", "Europe/London", 0.3, 3),
        ("Not Yet Open", None, "Pacific/Auckland", 0.0, 0),
    ][:organizations]
    world: dict[str, Organization] = {}
    left = customers
    for index, (name, currency, timezone, share, usual) in enumerate(facts):
        record: Record = {
            "id": ulid(now - timedelta(days=900 - index), rng),
            "name": name,
            "createdAt": stamp(now - timedelta(days=900 - index)),
            "timezone": timezone,
        }
        if currency:
            record["currency"] = currency
        org = Organization(record)
        last = index == min(2, organizations) - 1
        count = left if last else round(customers * share)
        left -= count
        for _ in range(count if share else 0):
            person = customer(rng, now)
            org.customers[person["id"]] = orjson.dumps(person)
        _build_lists(
            org, rng, now, usual if lists is None else lists * (index == 0), members_per_list
        )
        world[record["id"]] = org
    return world


_LIST_NAMES = (
    "Loyal Customers", "Weekend, brunch", "أصدقاء المقهى", "VIP ⭐", "Chef's table", "Staff",
    "Lapsed since 2025", "Empty for now",
)  # fmt: skip


def _build_lists(
    org: Organization, rng: random.Random, now: datetime, count: int, size: int | None
) -> None:
    ids = list(org.customers)
    for index in range(count):
        name = _LIST_NAMES[index] if index < len(_LIST_NAMES) else f"Segment {index}"
        made = now - timedelta(days=400 - index % 300)
        record = {"id": ulid(made, rng), "name": name, "createdAt": stamp(made)}
        share = (0.4, 0.1, 0.05, 0.02, 0.02, 0.01, 0.1, 0.0)[index % 8]
        wanted = size if size is not None else round(len(ids) * share)
        members = rng.sample(ids, min(wanted, len(ids)))
        added = {
            member: stamp(made + timedelta(seconds=place * 60))
            for place, member in enumerate(members)
        }
        org.lists[record["id"]] = CustomerList(record, ours=index % 3 != 2, members=added)


def shown(record: Record, switches: LokeSwitches) -> Record:
    """Return a customer's record as the switches have it sent."""
    record = dict(record)
    if switches.stamps_ms:
        for name in ("createdAt", "updatedAt"):
            if record.get(name):
                record[name] = record[name].replace("Z", ".000Z")
    if switches.statistics_names == "plain" and isinstance(record.get("statistics"), dict):
        record["statistics"] = {
            _OLDER.get(name, name): value for name, value in record["statistics"].items()
        }
    if switches.absent == "null":
        record = {**dict.fromkeys(OPTIONAL), **record}
    if switches.extra_field:
        record["nickname"] = record["firstName"][:3]
    return record


def plain(switches: LokeSwitches) -> bool:
    """Tell whether records are sent just as they are kept."""
    default = LokeSwitches()
    return all(
        getattr(switches, name) == getattr(default, name)
        for name in ("stamps_ms", "statistics_names", "absent", "extra_field")
    )
