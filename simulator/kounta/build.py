"""Kounta's world as it is when the clock starts: people, gaps and all, the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, islice

import orjson

from simulator.kounta.numbers import mobile, rewritten
from simulator.kounta.world import Company, Kept
from simulator.people import People

FIRST_ID = 700_101
# From here on a number that passes through a floating point loses its last digit.
_HUGE = 2**53 + 1
_COMPANIES = (
    ("5678", "Quay & Anchor Group", "Australia/Brisbane"),
    ("5679", "Harbour Lane Espresso", "Australia/Perth"),
)
_SHARE = 0.85
TAGS = ("VIP", "vip", "Regular", "Newsletter list", "Weekend, brunch", "Locals ⭐")
_TOWNS = (
    '"city":"Testville","zone":"QLD","postal_code":"4000","country":"AU"',
    '"city":"Sampleton","zone":"WA","postal_code":"6000","country":"AU"',
    '"city":"Te Tauira","zone":"","postal_code":"0110","country":"NZ"',
    '"city":"Exampleham","zone":null,"postal_code":"ZZ9 9ZZ","country":"GB"',
)
_NOTES = ("Window seat", "Allergic to nuts 🥜", 'Says "hello" to the chef;\nlate, always')


def build(
    chance: random.Random, now: datetime, *, customers: int, tenants: int = 2
) -> dict[str, Company]:
    """Return companies that hold so many customers in all.

    Args:
        chance: what everything is drawn from.
        now: when the clock starts; nothing is younger.
        customers: 85 % of them in the first, the rest in the second.
        tenants: 1 puts everything into the first.
    """
    world: dict[str, Company] = {}
    left, crowd = customers, _Crowd(chance)
    for index, (company_id, name, timezone) in enumerate(_COMPANIES[:tenants]):
        company = Company(company_id, name, timezone, now - timedelta(days=900 - index))
        wanted = left if index == tenants - 1 else round(customers * _SHARE)
        left -= wanted
        for customer_id in crowd.ids(wanted):
            company.heads[customer_id], company.rests[customer_id] = crowd.customer(
                customer_id, company_id
            )
        world[company_id] = company
    return world


class _Crowd:
    """Draws customers, written as JSON at once: two hundred thousand take seconds."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance.random
        self._bits = chance.getrandbits
        self._people = People(chance)
        self._quoted: dict[str, str] = {}
        self._next, self._huge = FIRST_ID, count(_HUGE, 2)
        self._mobiles, self._addresses = count(), count(900_301)

    def ids(self, wanted: int) -> Iterator[int]:
        """Yield so many ids, rising with gaps; the last few beyond what a float can hold."""
        huge = min(3, wanted // 10)
        for _ in range(wanted - huge):
            yield self._next
            self._next += 1 if self._chance() < 0.9 else 2 + self._bits(2)
        yield from islice(self._huge, huge)

    def customer(self, customer_id: int, company_id: str) -> Kept:
        """Return a customer, with the gaps real ones have."""
        chance = self._chance
        name = self._people.name()
        email = self._quote(self._people.email(name))
        last = '""' if chance() < 0.02 else self._quote(name.last)
        image, reference = "null", ""
        if chance() < 0.05:
            image = f'"https://images.example.com/{customer_id}.png"'
        if chance() < 0.10:
            # A handful share one: it need not be unique.
            reference = f"REF-{self._bits(20):05x}" if chance() < 0.9 else "REF-SHARED"
        head = (
            f'{{"id":{customer_id},"company_id":{company_id},'
            f'"first_name":{self._quote(name.first)},"last_name":{last},'
            f'"primary_email_address":{email},"image":{image},"reference_id":"{reference}"}}'
        )
        return head.encode(), self._rest(customer_id, email).encode()

    def _rest(self, customer_id: int, email: str) -> str:
        chance = self._chance
        emails = [] if email == "null" else [email]
        if chance() < 0.05:
            emails.append(f'"second.{customer_id}@example.net"')
        phone, mobile_number, note = self._people.phone(), None, "null"
        if phone and chance() < 0.6:
            phone = rewritten(phone, self._bits(8) % 3)
        if chance() < 0.42:
            mobile_number = mobile(next(self._mobiles))
        if chance() < 0.06:
            note = self._quote(_NOTES[self._bits(8) % len(_NOTES)])
        consent = chance()
        marketing = "true" if consent < 0.45 else "false" if consent < 0.80 else "null"
        shipping = self._address() if chance() < 0.25 else "null"
        primary = self._address() if chance() < 0.30 else "null"
        return (
            f'{{"people_id":{100_100 + customer_id},"description":{note},'
            f'"email_addresses":[{",".join(emails)}],"phone":{self._quote(phone)},'
            f'"mobile":{self._quote(mobile_number)},"fax":null,"shipping_address":{shipping},'
            f'"primary_address":{primary},"tags":[{self._tags()}],"accepts_marketing":{marketing}}}'
        )

    def _tags(self) -> str:
        luck = self._chance()
        if luck < 0.6:
            return ""
        bits = self._bits(16)
        chosen = [tag for place, tag in enumerate(TAGS) if bits >> place * 2 & 3 == 0]
        return ",".join(self._quote(tag) for tag in chosen or TAGS[2:3])

    def _address(self) -> str:
        bits = self._bits(16)
        lines = f'"{1 + bits % 199} Test St"'
        if bits & 3 == 0:
            lines = f'"Level {bits % 9}",{lines}'
        return f'{{"id":{next(self._addresses)},"lines":[{lines}],{_TOWNS[bits >> 8 & 3]}}}'

    def _quote(self, text: str | None) -> str:
        if text is None:
            return "null"
        if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
            return f'"{text}"'
        quoted = self._quoted.get(text)
        if quoted is None:
            quoted = self._quoted[text] = orjson.dumps(text).decode()
        return quoted
