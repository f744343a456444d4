"""Value-level cleaning, done once before load: e-mail addresses and phone numbers.

The vendor's own value stays beside the cleaned one in `raw`. Most values are well formed already
and are recognised a whole column at a time; the libraries made for the job see only the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib import resources

import pyarrow as pa
import pyarrow.compute as pc

from sources.convert import Bad

_PLAIN_EMAIL = r"^[a-z0-9_%+-]+(\.[a-z0-9_%+-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63}$"
_E164 = r"^\+[1-9][0-9]{7,14}$"
# Other names that stand for another country's zone, or for none's, because the clocks agree.
_ABROAD = {
    *("Africa/Asmera", "Africa/Timbuktu", "America/Coral_Harbour", "America/Virgin"),
    *("Antarctica/South_Pole", "Atlantic/Jan_Mayen", "Iceland", "Pacific/Ponape", "Pacific/Truk"),
    *("Pacific/Yap", "CET", "EET", "EST", "HST", "MET", "MST", "WET"),
}


def emails(values: pa.Array) -> tuple[pa.Array, list[Bad]]:
    """Return addresses trimmed and in lower case; NULL where a value is not an address."""
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    return _rest(trimmed, _PLAIN_EMAIL, _email, "not an e-mail address")


def phones(values: pa.Array, region: str | None) -> tuple[pa.Array, list[Bad]]:
    """Return numbers as E.164, local ones read as of `region` (ISO 3166 alpha-2); else NULL."""
    return _rest(
        pc.utf8_trim_whitespace(values),
        _E164,
        lambda value: _phone(value, region),
        "not a phone number",
    )


def _rest(
    values: pa.Array, plain: str, parse: Callable[[str], str | None], reason: str
) -> tuple[pa.Array, list[Bad]]:
    """Keep what matches `plain`, parse the others one by one, NULL what cannot be parsed."""
    fits = pc.match_substring_regex(values, plain)
    odd = pc.indices_nonzero(pc.fill_null(pc.invert(fits), fill_value=False)).to_pylist()
    if not odd:
        return values, []
    cleaned, bad = values.to_pylist(), list[Bad]()
    for index in odd:
        original = cleaned[index]
        cleaned[index] = parse(original) if original else None
        if original and cleaned[index] is None:
            bad.append((index, reason))
    return pa.array(cleaned, pa.string()), bad


@lru_cache(maxsize=4096)
def _email(value: str) -> str | None:
    """Return a valid address, or None; syntax only, nothing is looked up."""
    from email_validator import EmailNotValidError, validate_email

    try:
        # test_environment: whether a domain is reserved is not a question of syntax.
        found = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


@lru_cache(maxsize=4096)
def _phone(value: str, region: str | None) -> str | None:
    """Return the number as E.164, or None when it cannot be dialled."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def country_of(timezone: str | None) -> str | None:
    """Return the country (ISO 3166 alpha-2) an IANA zone lies in, or None where it names none."""
    return _countries().get(timezone) if timezone else None


@cache
def _countries() -> dict[str, str]:
    """Return the country of every zone, older and other names (`NZ`, `Australia/NSW`) included."""
    data = resources.files("tzdata").joinpath("zoneinfo")
    found: dict[str, str] = {}
    for line in data.joinpath("zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found[zone] = country
    for line in data.joinpath("tzdata.zi").read_text("utf-8").splitlines():
        if line.startswith("L "):
            _, zone, name = line.split()
            if zone in found and name not in _ABROAD:
                found.setdefault(name, found[zone])
    return found
