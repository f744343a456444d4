"""Foodics' world as it is when the clock starts: people, gaps and all, the same for a seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import orjson

from simulator.foodics.switches import Record
from simulator.foodics.world import Business
from simulator.people import People, Stamps

_DAY = 86_400
_YEAR = 365 * _DAY
_BUSINESSES: tuple[tuple[str, int, str, str, str, float, int], ...] = (
    ("Majlis & Mint", 400123, "SAR", "Asia/Riyadh", "SA", 0.85, 100),
    ("بيت القهوة", 400124, "KWD", "Asia/Kuwait", "KW", 0.15, 1000),
)
_TAGS = (
    ("VIP", "كبار الضيوف", 1, 0.05), ("Regular", "زبون دائم", 1, 0.25),
    ("Delivery, late", "توصيل", 1, 0.1), ("Nut allergy 🥜", "حساسية", 1, 0.03),
    ("Spicy", "حار", 2, 0.0), ("Staff meal", "وجبة موظف", 2, 0.01),
)  # fmt: skip
_ZONES = (("North", "الشمال"), ("Old town", "البلدة القديمة"), ("Airport", "المطار"))
_PLACES = ("Home", "Work", "بيت", "Mother's")
_GENDERS = ("1", "2", "1", "2", "null")


class Ids:
    """Draws ids; short ones follow a count, so that no two are alike."""

    def __init__(self, chance: random.Random) -> None:
        self._bits = chance.getrandbits
        self._count = self._bits(32)

    def new(self, form: str) -> str:
        """Return an id: `uuid` or `short`."""
        return self.short() if form == "short" else self.uuid()

    def uuid(self) -> str:
        """Return a UUID, as the living system has them."""
        value = self._bits(128)
        text = f"{value:032x}"
        version, variant = f"4{text[13:16]}", f"{'89ab'[value & 3]}{text[17:20]}"
        return f"{text[:8]}-{text[8:12]}-{version}-{variant}-{text[20:]}"

    def short(self) -> str:
        """Return eight hexadecimal digits, as the documentation has them."""
        self._count += 1
        # An odd factor permutes the numbers below 2**32.
        return f"{self._count * 2_654_435_761 % 2**32:08x}"


def stamp(moment: datetime) -> str:
    """Return `YYYY-MM-DD HH:MM:SS`, UTC and without saying so."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def build(
    chance: random.Random,
    now: datetime,
    *,
    ids: Ids,
    customers: int,
    seed: int = 0,
    id_form: str = "uuid",
    tags: int = len(_TAGS),
) -> dict[str, Business]:
    """Return businesses that hold so many customers in all, one in 33 of them soft-deleted.

    Args:
        chance: what everything is drawn from.
        now: when the clock starts; nothing is younger.
        ids: where ids come from.
        customers: 85 % of them in the first business, the rest in the second.
        seed: orders ties.
        id_form: `uuid` or `short`; a business always has a UUID.
        tags: how many each business has.
    """
    world: dict[str, Business] = {}
    left = customers
    for name, reference, currency, timezone, country, share, minor in _BUSINESSES:
        count = min(left, round(customers * share)) if not world else left
        left -= count
        record: Record = {"id": ids.uuid(), "name": name, "reference": reference}
        settings = {
            "business_name": name, "business_currency": currency, "business_country": country,
            "business_timezone": timezone, "tax_inclusive_pricing": True,
        }  # fmt: skip
        business = world[record["id"]] = Business(record, settings, seed)
        made = stamp(now - timedelta(days=900))
        stamped = {"created_at": made, "updated_at": made, "deleted_at": None}
        for index in range(tags):
            label, localized, kind, _ = _TAGS[index % len(_TAGS)]
            label += f" {index}" if index >= len(_TAGS) else ""
            tag: Record = {
                "id": ids.new(id_form),
                "name": label,
                "name_localized": localized,
                "type": kind,
            }
            business.tags[tag["id"]] = tag | stamped
        for label, localized in _ZONES:
            zone: Record = {"id": ids.new(id_form), "name": label, "name_localized": localized}
            business.zones[zone["id"]] = zone | stamped
        crowd = _Crowd(chance, now, ids, id_form, minor)
        for index in range(count):
            crowd.join(business, is_deleted=index % 33 == 20)
    return world


class _Crowd:
    """Draws customers, written as JSON at once: 200,000 take seconds."""

    def __init__(
        self, chance: random.Random, now: datetime, ids: Ids, id_form: str, minor: int
    ) -> None:
        self._chance = chance.random
        self._people = People(chance)
        self._stamps = Stamps()
        self._now = int(now.timestamp())
        self._new = ids.short if id_form == "short" else ids.uuid
        self._minor = minor
        self._quoted: dict[str, str] = {}

    def join(self, business: Business, *, is_deleted: bool) -> None:
        """Draw a customer, its tags and its addresses, with the gaps real ones have."""
        chance, customer_id = self._chance, self._new()
        created = self._now - _DAY - int(chance() * (5 * _YEAR - _DAY))
        # Few were touched lately: two years, the last hour left out.
        updated = max(created, self._now - 3600 - int(chance() * (2 * _YEAR - 3600)))
        ends = self._second(updated) if is_deleted else "null"
        business.customers[customer_id] = (
            f'{{"id":"{customer_id}",{self._person()},{self._accounts()},{self._orders(updated)},'
            f'"created_at":{self._second(created)},"updated_at":{self._second(updated)},'
            f'"deleted_at":{ends}}}'
        ).encode()
        if is_deleted:
            business.deleted.add(customer_id)
        worn = tuple(tag for tag, fact in zip(business.tags, _TAGS, strict=False)
                     if fact[3] and chance() < fact[3])  # fmt: skip
        if worn:
            business.tags_of[customer_id] = worn
        luck = chance()
        if luck < 0.6:
            zones = list(business.zones.values())
            addresses = (self._address(zones, created) for _ in range(1 + (luck < 0.2)))
            business.addresses_of[customer_id] = f"[{','.join(addresses)}]".encode()

    def _second(self, at: int) -> str:
        return f'"{self._stamps.second(at).replace("T", " ")}"'

    def _quote(self, text: str | None) -> str:
        if text is None:
            return "null"
        if text not in self._quoted:
            self._quoted[text] = orjson.dumps(text).decode()
        return self._quoted[text]

    def _person(self) -> str:
        chance, name = self._chance, self._people.name()
        code, phone = dialled(self._people.phone(), int(chance() * 10_000))
        email = self._people.email(name)
        # Born between 1935 and 2007.
        born = f'"{self._stamps[int(chance() * 26_298) - 12_784]}"' if chance() >= 0.4 else "null"
        notes = '"Table by the window"' if chance() < 0.05 else "null"
        full = self._quote(name.first if chance() < 0.1 else f"{name.first} {name.last}")
        gender = _GENDERS[int(chance() * len(_GENDERS))]
        return (
            f'"name":{full},"dial_code":{code},"phone":"{phone}",'
            f'"email":{f"{chr(34)}{email}{chr(34)}" if email else "null"},'
            f'"gender":{gender},"birth_date":{born},"notes":{notes}'
        )

    def _accounts(self) -> str:
        chance, limit, balance = self._chance, "null", 0.0
        has_account = chance() < 0.1
        if has_account:
            limit = str(int(chance() * 20) * 100)
            balance = int((chance() - 0.2) * 500 * self._minor) / self._minor
        points = int(chance() * 4000) / 4 if chance() < 0.5 else 0
        return (
            f'"house_account_limit":{limit},"house_account_balance":{_number(balance)},'
            f'"loyalty_balance":{_number(points)},"is_loyalty_enabled":{int(chance() < 0.7)},'
            f'"is_blacklisted":{"true" if chance() < 0.01 else "false"},'
            f'"is_house_account_enabled":{"true" if has_account else "false"}'
        )

    def _orders(self, updated: int) -> str:
        luck = self._chance()
        if luck < 0.2:
            return f'"last_order_at":null,"order_count":{0 if luck < 0.15 else "null"}'
        ordered = self._second(updated - 5)
        return f'"last_order_at":{ordered},"order_count":{1 + int(luck * 60)}'

    def _address(self, zones: list[Record], created: int) -> str:
        chance, made = self._chance, self._second(created)
        zone = zones[int(chance() * len(zones))]
        details = f'"details":"Floor {int(chance() * 9)}",' if chance() < 0.2 else ""
        return (
            f'{{"id":"{self._new()}","name":{self._quote(_PLACES[int(chance() * 4)])},'
            f'"description":"Street {int(chance() * 90)}",{details}'
            f'"latitude":"{24.5 + chance() / 2:.4f}","longitude":"{46.5 + chance() / 2:.4f}",'
            f'"created_at":{made},"updated_at":{made},"deleted_at":null,'
            f'"delivery_zone":{{"id":"{zone["id"]}","name":{self._quote(zone["name"])}}}}}'
        )


def dialled(phone: str | None, number: int) -> tuple[int, str]:
    """Return a made-up number as dial code and national part; no Saudi number begins with zero."""
    if phone is None:
        return 966, f"00000{number % 10_000:04d}"
    for code in (61, 44, 1):
        if phone.startswith(f"+{code}") and len(phone) > 8:
            return code, phone.removeprefix(f"+{code}")
    return 61, phone


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
