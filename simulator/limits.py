"""A limit on requests, refused as the vendors do: their status, in any of the header forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from math import ceil

from simulator.clock import Clock


class Limit:
    """So many requests in any period that long; refused ones do not count."""

    def __init__(self, clock: Clock, period: timedelta) -> None:
        self._clock, self._period = clock, period
        self._taken: list[datetime] = []

    def take(self, at_most: int) -> datetime | None:
        """Count a request; or return when the next is let in, in whole seconds, rounded up."""
        now = self._clock.now()
        self._taken = [at for at in self._taken if at > now - self._period]
        if len(self._taken) < at_most:
            self._taken.append(now)
            return None
        free = self.resets()
        return (free + timedelta(seconds=1)).replace(microsecond=0)

    def left(self, at_most: int) -> int:
        """Return how many more requests are let in now."""
        return max(0, at_most - len(self._taken))

    def resets(self) -> datetime:
        """Return when the first request that counts ceases to."""
        return (self._taken[0] if self._taken else self._clock.now()) + self._period


def refusal(form: str, now: datetime, free: datetime) -> Mapping[str, str]:
    """Return the headers that say when to come back.

    Args:
        form: retry_after | retry_after_date | retry_after_zero | reset_iso | reset_epoch | none.
        now: the vendor's time.
        free: when the next request is let in.
    """
    forms = {
        "retry_after": {"retry-after": str(max(1, ceil((free - now).total_seconds())))},
        "retry_after_date": {"retry-after": format_datetime(free, usegmt=True)},
        "retry_after_zero": {"retry-after": "0"},
        "reset_iso": {"x-ratelimit-reset": free.isoformat()},
        "reset_epoch": {"x-ratelimit-reset": str(int(free.timestamp()))},
        "none": {},
    }
    return forms[form]
