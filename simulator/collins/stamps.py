"""Time as Collins writes it: `YYYY-MM-DD HH:MM:SS`, kept in UTC, sent and asked in some zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_FORM = "%Y-%m-%d %H:%M:%S"


def written(moment: datetime) -> str:
    """Return a moment as it is kept, in UTC."""
    return moment.astimezone(UTC).strftime(_FORM)


@lru_cache(maxsize=65_536)
def sent(text: str, zone: str) -> str:
    """Return a kept stamp as that zone's clocks showed it; what is no stamp stays as it is."""
    try:
        moment = datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return text
    return moment.astimezone(ZoneInfo(zone)).strftime(_FORM)


@lru_cache(maxsize=4096)
def day(text: str, zone: str) -> tuple[str, str]:
    """Return when a zone's day begins and when the next one does, as stamps are kept.

    Raises:
        ValueError: the text is no date, or a date beyond the calendar.
    """
    if len(text) != 10:
        raise ValueError(text)
    first = date.fromisoformat(text)
    if not 1900 < first.year < 9999:
        raise ValueError(text)
    begins = datetime.combine(first, time(), ZoneInfo(zone))
    ends = datetime.combine(first + timedelta(days=1), time(), ZoneInfo(zone))
    return written(begins), written(ends)
