"""Made-up people: many scripts and cultures, reserved domains, numbers reserved for fiction.

E-mail domains are those of RFC 2606. Numbers: Australia's and Britain's ranges for drama and
books, and 555-01xx of the United States; nobody can be written to or rung by accident.
"""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

_FIRST = (
    "Mara", "Ilo", "Rowan", "Ada", "Noor", "Jo", "X", "Anne-Marie", "Zoë", "Søren", "Łucja",
    "İpek", "Nguyễn Thị Bích Hằng", "Đức", "Aroha", "Tāne", "Kahurangi", "Seán", "Ægir", "Þóra",
    "Žofia", "Gonçalo", "Íñigo", "Ọláyínká", "Chukwuemeka", "Αθηνά", "Γιώργος", "Олена",
    "Дмитро", "明美", "子轩", "雅婷", "서연", "민준", "नेहा", "अर्जुन", "ליאור", "نور", "ليلى",
    "عبد الرحمن", "สมชาย", "Wolfeschlegelsteinhausenbergerdorff", "D'Arcy", "Jean-Luc 🎸",
)  # fmt: skip
_LAST = (
    "Quill", "Tan", "Pike", "Moss", "Saleh", "Li", "U", "O'Brien", "O’Shea", "Müller",
    "Ångström", "Đặng", "Trần", "Ngata", "Te Whāiti", "Ibáñez", "Çelik", "Šimić", "d’Arc",
    "van der Berg", "Παππάς", "Шевченко", "佐藤", "王", "欧阳", "김", "शर्मा", "כהן", "الهاشمي",
    "Smith-Jones", "McDonald, Jr.", "Featherstonehaugh-Cholmondeley-Majoribanks", "Null", "N",
)  # fmt: skip
DOMAINS = (
    "example.com", "example.org", "example.net", "guests.example", "mail.test", "post.invalid",
)  # fmt: skip
_MOBILES = (
    "570006", "570156", "570157", "570158", "570159", "570737", "571266", "571491", "571804",
    "572549", "572665", "572983", "573770", "573087", "574118", "574632", "575254", "575789",
    "576398", "576801", "577426", "577644", "578957", "578148", "578888", "579212", "579760",
    "579455",
)  # fmt: skip
_MALFORMED = ("n/a", "0491 570 156", "(02) 5550 0123", "07700 900123", "-", "+61")
_EPOCH = date(1970, 1, 1).toordinal()
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


@dataclass(frozen=True)
class Name:
    """A made-up name, and how it is written in an address."""

    first: str
    last: str
    slug: str


class People:
    """Draws people from a source of chance; the same source gives the same people."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance.random
        self._bits = chance.getrandbits

    def name(self) -> Name:
        """Return a name."""
        names = _names()
        return names[int(self._chance() * len(names))]

    def email(self, name: Name) -> str | None:
        """Return an address; None for one in twelve, spaces and capitals for one in fifty."""
        luck = self._chance()
        if luck < 0.08:
            return None
        bits = self._bits(40)
        address = f"{name.slug}.{bits >> 3:x}@{DOMAINS[(bits & 7) % len(DOMAINS)]}"
        return f" {address.upper()} " if luck > 0.98 else address

    def phone(self) -> str | None:
        """Return a number in E.164; None for one in ten, not a number for one in fifty."""
        luck, bits = self._chance(), self._bits(20)
        if luck < 0.10:
            return None
        if luck < 0.12:
            return _MALFORMED[bits % len(_MALFORMED)]
        if luck < 0.55:
            return f"+61491{_MOBILES[bits % len(_MOBILES)]}"
        if luck < 0.70:
            return f"+612{'5550' if bits & 1 else '7010'}{(bits >> 1) % 10_000:04d}"
        if luck < 0.92:
            return f"+44{'7700900' if bits & 1 else '2079460'}{(bits >> 1) % 1000:03d}"
        return f"+120255501{bits % 100:02d}"

    def ulid(self, milliseconds: int) -> str:
        """Return a ULID of a moment in milliseconds since 1970."""
        value = milliseconds << 80 | self._bits(80)
        return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -10, -10)])


@lru_cache(maxsize=1)
def _names() -> list[Name]:
    return [Name(first, last, _slug(first, last)) for first in _FIRST for last in _LAST]


def _slug(first: str, last: str) -> str:
    folded = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode()
    parts = ("".join(filter(str.isalpha, part)).lower() for part in folded.split("."))
    return ".".join(part[:12] for part in parts if part) or "guest"


def ulid(moment: datetime, chance: random.Random) -> str:
    """Return a ULID of this moment."""
    return People(chance).ulid(int(moment.timestamp() * 1000))


class Stamps(dict[int, str]):
    """Whole seconds since 1970 as `2026-05-02T12:00:00`; days are written once."""

    def __missing__(self, day: int) -> str:
        text = self[day] = date.fromordinal(_EPOCH + day).isoformat()
        return text

    def second(self, at: int) -> str:
        """Return the stamp of a second, without its zone."""
        return f"{self[at // 86_400]}T{_times()[at % 86_400]}"


@lru_cache(maxsize=1)
def _times() -> list[str]:
    return [
        f"{hour:02d}:{minute:02d}:{second:02d}"
        for hour in range(24)
        for minute in range(60)
        for second in range(60)
    ]
