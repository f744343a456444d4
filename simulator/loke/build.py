"""LOKE's world as it is when the clock starts: people, gaps and all, the same for a seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import orjson

from simulator.clock import stamp
from simulator.loke.world import CustomerList, Organization
from simulator.people import Name, People, Stamps, ulid

_DAY = 86_400
_YEAR = 365 * _DAY
_ORGANIZATIONS = (
    ("Quay Taverns", "AUD", "Australia/Sydney", 0.7, 8),
    ("Lantern & Larder", "GBP", "Europe/London", 0.3, 3),
    ("Not Yet Open", None, "Pacific/Auckland", 0.0, 0),
)
_LIST_NAMES = (
    "Loyal Customers", "Weekend, brunch", "أصدقاء المقهى", "VIP ⭐", "Chef's table", "Staff",
    "Lapsed since 2025", "Empty for now",
)  # fmt: skip
_LIST_SHARES = (0.4, 0.1, 0.05, 0.02, 0.02, 0.01, 0.1, 0.0)
_GENDERS = ("FEMALE", "MALE", "FEMALE", "MALE", "OTHER", None, None)


def build(
    chance: random.Random,
    now: datetime,
    *,
    customers: int,
    seed: int = 0,
    organizations: int = 3,
    lists: int | None = None,
    members_per_list: int | None = None,
) -> dict[str, Organization]:
    """Return organisations that hold so many customers in all.

    Args:
        chance: what everything is drawn from.
        now: when the clock starts; nothing is younger.
        customers: 70 % of them in the first, the rest in the second, none in the third.
        seed: orders ties.
        organizations: 1 puts everything into the first.
        lists: how many in the first and none elsewhere; 8, 3 and none unless given.
        members_per_list: how many on each; shares from all to none unless given.
    """
    world: dict[str, Organization] = {}
    facts = _ORGANIZATIONS[:organizations]
    left, crowd = customers, _Crowd(chance, now)
    for index, (name, currency, timezone, share, usual) in enumerate(facts):
        made = now - timedelta(days=900 - index)
        record = {"id": ulid(made, chance), "name": name, "createdAt": stamp(made)}
        record |= {"currency": currency} if currency else {}
        org = Organization({**record, "timezone": timezone}, seed)
        count = left if index == min(2, len(facts)) - 1 else round(customers * share)
        left -= count
        org.customers = dict(crowd.customer() for _ in range(count))
        count = usual if lists is None else lists * (index == 0)
        _build_lists(org, chance, now, count, members_per_list)
        world[record["id"]] = org
    return world


def _build_lists(
    org: Organization, chance: random.Random, now: datetime, count: int, size: int | None
) -> None:
    ids = list(org.customers)
    for index in range(count):
        name = _LIST_NAMES[index] if index < len(_LIST_NAMES) else f"Segment {index}"
        made = now - timedelta(days=400 - index % 300)
        record = {"id": ulid(made, chance), "name": name, "createdAt": stamp(made)}
        wanted = round(len(ids) * _LIST_SHARES[index % 8]) if size is None else size
        members = chance.sample(ids, min(wanted, len(ids)))
        start, stamps = int(made.timestamp()), Stamps()
        pace = min(60.0, (now - made).total_seconds() / (len(members) + 1))
        added = {
            member: f"{stamps.second(start + int(place * pace))}Z"
            for place, member in enumerate(members)
        }
        org.lists[record["id"]] = CustomerList(record, ours=index % 3 != 2, members=added)


class _Crowd:
    """Draws customers, written as JSON at once: a million take seconds."""

    def __init__(self, chance: random.Random, now: datetime) -> None:
        self._chance = chance.random
        self._people = People(chance)
        self._stamps = Stamps()
        self._now = int(now.timestamp())
        self._quoted: dict[str, str] = {}

    def customer(self) -> tuple[str, bytes]:
        """Return a customer's id and record, with the gaps real ones have."""
        chance, second = self._chance, self._stamps.second
        created = self._now - _DAY - int(chance() * (5 * _YEAR - _DAY))
        # Few were touched lately: two years, the last hour left out.
        updated = max(created, self._now - 3600 - int(chance() * (2 * _YEAR - 3600)))
        name = self._people.name()
        customer_id = self._people.ulid(created * 1000 + int(chance() * 1000))
        parts = [f'{{"id":"{customer_id}"']
        if chance() >= 0.01:
            parts.append(f'"createdAt":"{second(created)}Z","updatedAt":"{second(updated)}Z"')
        if chance() >= 0.4:
            # Born between 1935 and 2007.
            born = int(chance() * 26_298) - 12_784
            parts.append(f'"dob":"{self._stamps[born]}"')
        self._reach(parts, name)
        consent = chance()
        if consent < 0.8:
            parts.append(f'"hasAgreedToMarketing":{"true" if consent < 0.45 else "false"}')
        if chance() >= 0.05:
            parts.append(self._statistics(updated))
        # Joined with the brace last: an object of just this size, no larger buffer cut short.
        return customer_id, (",".join(parts) + "}").encode()

    def _reach(self, parts: list[str], name: Name) -> None:
        if email := self._people.email(name):
            parts.append(f'"email":"{email}"')
        parts.append(f'"firstName":{self._quote(name.first)},"lastName":{self._quote(name.last)}')
        if gender := _GENDERS[int(self._chance() * len(_GENDERS))]:
            parts.append(f'"gender":"{gender}"')
        if phone := self._people.phone():
            parts.append(f'"phoneNumber":"{phone}"')

    def _quote(self, text: str) -> str:
        quoted = self._quoted.get(text)
        if quoted is None:
            quoted = self._quoted[text] = orjson.dumps(text).decode()
        return quoted

    def _statistics(self, updated: int) -> str:
        chance, second = self._chance, self._stamps.second
        luck, earned, redeemed, last = chance(), int(chance() * 5000), 0, ""
        spent, fraction = updated - int(chance() * 10), int(chance() * 1000)
        if luck < 0.4:
            redeemed = int(chance() * (earned + 1))
            last = f'"lastPointsRedeemedAt":"{second(spent - 30 * _DAY)}.{fraction:03d}Z",'
        elif luck < 0.7:
            # Who never redeemed: null for some, missing for the others.
            last = '"lastPointsRedeemedAt":null,'
        return (
            f'"statistics":{{"lastPointsEarnedAt":"{second(updated)}.000Z",{last}'
            f'"lastSpentAt":"{second(spent)}.{fraction:03d}Z","pointsBalance":{earned - redeemed},'
            f'"totalPointsEarned":{earned},"totalPointsRedeemed":{redeemed},'
            f'"totalSpend":{int(chance() * 1_000_000)}}}'
        )
