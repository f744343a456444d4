"""Telephone numbers as people write them, all from ranges reserved for fiction.

Australia's 5550 and 7010 in every area and five of its mobiles, Britain's 07700 900, and
555-01xx below every area code of North America.
"""

from __future__ import annotations

_MOBILES = ("491570006", "491570156", "491570157", "491570158", "491570159")
_AREAS = [
    code for code in range(200, 1000) if code // 10 % 10 != 9 and code % 100 != 11
]  # no code has 9 in its middle, none ends in 11
_LANDLINES = 80_000
_BRITISH = 1000
_FOREIGN = _BRITISH + len(_AREAS) * 100
# Prime, and so without a common divisor with either count: every number comes once.
_STRIDE = 104_729


def mobile(count: int) -> str | None:
    """Return the mobile of the customer that is so many-th to have one; None beyond the last.

    No two of them are the same number, however written. Most are not mobiles: there are few.
    """
    style, place = count % 3, count - len(_MOBILES)
    if place < 0:
        return written("61", _MOBILES[count], style)
    if place % 8 == 7:
        return _foreign(place // 8, style)
    place -= place // 8
    if place >= _LANDLINES:
        return None
    return written("61", _landline(place * _STRIDE % _LANDLINES), style)


def _foreign(place: int, style: int) -> str | None:
    if place >= _FOREIGN:
        return None
    place = place * _STRIDE % _FOREIGN
    if place < _BRITISH:
        return written("44", f"7700900{place:03d}", style)
    place -= _BRITISH
    return written("1", f"{_AREAS[place // 100]}55501{place % 100:02d}", style)


def _landline(place: int) -> str:
    area, exchange, line = place // 20_000, place // 10_000 % 2, place % 10_000
    return f"{'2378'[area]}{('5550', '7010')[exchange]}{line:04d}"


def written(country: str, national: str, style: int) -> str:
    """Return a number in one of three ways: in groups, from abroad, without any space."""
    if style == 2:
        return f"+{country}{national}" if country != "61" else f"0{national}"
    if country == "61":
        if national.startswith("4"):
            groups = f"{national[:3]} {national[3:6]} {national[6:]}"
            return f"+61 {groups}" if style else f"0{groups}"
        groups = f"{national[1:5]} {national[5:]}"
        return f"+61 {national[0]} {groups}" if style else f"(0{national[0]}) {groups}"
    if country == "44":
        groups = f"{national[:4]} {national[4:]}"
        return f"+44 {groups}" if style else f"0{groups}"
    return f"+1 {national[:3]}-{national[3:6]}-{national[6:]}"


def rewritten(number: str, style: int) -> str:
    """Return a number in E.164 as people write it; whatever is none as it is."""
    for country in ("61", "44", "1"):
        if number.startswith(f"+{country}") and len(number) > 9:
            return written(country, number[len(country) + 1 :], style)
    return number
