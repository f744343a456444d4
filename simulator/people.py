"""Made-up people: many scripts and countries, reserved domains, numbers reserved for fiction."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.clock import stamp, stamp_ms

_FIRST = [
    "Mara",
    "Ilo",
    "Rowan",
    "Ada",
    "Noor",
    "Zoë",
    "Søren",
    "Łucja",
    "İpek",
    "Nguyễn",
    "Aroha",
    "Tāne",
    "Seán",
    "O’Shea",
    "Ægir",
    "Þóra",
    "Žofia",
    "Αθηνά",
    "Γιώργος",
    "Олена",
    "Дмитро",
    "明美",
    "子轩",
    "서연",
    "민준",
    "नेहा",
    "अर्जुन",
    "ליאור",
    "نور",
    "ليلى",
    "X",
    "Jo",
    "Anne-Marie",
]
_LAST = [
    "Quill",
    "Tan",
    "Pike",
    "Moss",
    "Saleh",
    "O'Brien",
    "Müller",
    "Ångström",
    "Đặng",
    "Ngata",
    "Te-Kanawa",
    "Ibáñez",
    "Çelik",
    "Šimić",
    "Παππάς",
    "Шевченко",
    "佐藤",
    "王",
    "김",
    "शर्मा",
    "כהן",
    "الهاشمي",
    "Featherstonehaugh-Cholmondeley",
    "Li",
    "U",
    "d’Arc",
    "Smith-Jones",
]
_DOMAINS = ("example.com", "example.org", "example.net", "guests.example", "mail.test", "x.invalid")
_GENDERS = ("FEMALE", "MALE", "FEMALE", "MALE", "OTHER", None, None)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(moment: datetime, rng: random.Random) -> str:
    """Return a ULID of this moment."""
    value = int(moment.timestamp() * 1000) << 80 | rng.getrandbits(80)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -5, -5))


def phone(rng: random.Random) -> str:
    """Return a number no one can own: Australian, British and American fictitious ranges."""
    kind = rng.random()
    if kind < 0.5:
        return f"+6149157{rng.choice(('0006', '0156', '0157', '0158', '0159', '0737', '1266'))}"
    if kind < 0.6:
        return f"+61255500{rng.randrange(1000):03d}"
    if kind < 0.9:
        return f"+447700900{rng.randrange(1000):03d}"
    return f"+120255501{rng.randrange(100):02d}"


def customer(rng: random.Random, now: datetime) -> dict[str, Any]:
    """Return one LOKE customer with the gaps real ones have; keys that are missing are absent."""
    created = now - timedelta(seconds=rng.randrange(86_400, 5 * 365 * 86_400))
    # Only few were touched lately: the last two years, the last hour left out.
    updated = max(created, now - timedelta(seconds=rng.randrange(3600, 2 * 365 * 86_400)))
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    person: dict[str, Any] = {
        "id": ulid(created, rng),
        "firstName": first,
        "lastName": last,
    }
    if rng.random() > 0.01:
        person |= {"createdAt": stamp(created), "updatedAt": stamp(updated)}
    if rng.random() > 0.4:
        born = datetime(1935, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(27_000))
        person["dob"] = f"{born:%Y-%m-%d}"
    _reach(person, rng)
    if (gender := rng.choice(_GENDERS)) is not None:
        person["gender"] = gender
    consent = rng.random()
    if consent < 0.8:
        person["hasAgreedToMarketing"] = consent < 0.45
    if rng.random() > 0.05:
        person["statistics"] = _statistics(rng, updated)
    return person


def _reach(person: dict[str, Any], rng: random.Random) -> None:
    """Give a person an address and a number, or bad ones, or none."""
    luck = rng.random()
    if luck > 0.08:
        address = f"guest.{rng.getrandbits(40):x}@{rng.choice(_DOMAINS)}"
        person["email"] = f" {address.upper()} " if luck > 0.98 else address
    luck = rng.random()
    if luck > 0.1:
        person["phoneNumber"] = phone(rng)
    elif luck > 0.08:
        person["phoneNumber"] = "n/a" if luck > 0.09 else "0491 570 156"


def _statistics(rng: random.Random, updated: datetime) -> dict[str, Any]:
    earned, redeemed = rng.randrange(5000), 0
    spent = updated - timedelta(milliseconds=rng.randrange(10_000))
    facts: dict[str, Any] = {
        "lastPointsEarnedAt": stamp_ms(updated),
        "lastSpentAt": stamp_ms(spent),
    }
    if rng.random() < 0.4:
        redeemed = rng.randrange(earned + 1)
        facts["lastPointsRedeemedAt"] = stamp_ms(spent - timedelta(days=30))
    elif rng.random() < 0.5:
        facts["lastPointsRedeemedAt"] = None
    return facts | {
        "pointsBalance": earned - redeemed,
        "totalPointsEarned": earned,
        "totalPointsRedeemed": redeemed,
        "totalSpend": rng.randrange(1_000_000),
    }
