"""How fast a vendor may be asked, and how long a run may wait for it.

One `Limiter` stands for one credential, whichever thread asks. It spaces requests by our own cap
and obeys the wait a vendor asks for, in each of the forms vendors use. Time spent waiting is taken
from the run's allowance; when the allowance cannot cover a wait, the caller is told at once, so
that a run checkpoints instead of sleeping through its schedule.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pendulum

# Above this a bare number is a moment (epoch seconds), below it a duration: no vendor asks us to
# wait for thirty years.
_EPOCH_FLOOR = 1_000_000_000
_RESET_HEADERS = ("x-ratelimit-reset", "ratelimit-reset")


@dataclass(frozen=True)
class Timing:
    """The clock and the sleep a run lives by; tests put virtual ones here."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


class OverBudgetError(Exception):
    """A wait is longer than what is left of the run's allowance; `seconds` is the wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"a wait of {seconds:.0f} s")
        self.seconds = seconds


@dataclass
class Limiter:
    """Spaces the requests of one credential.

    Attributes:
        timing: Clock and sleep.
        per_minute: Our own cap; 0 means none.
        max_wait: Seconds a run may wait in all, retries and throttling together; pacing by our
            own cap is the chosen speed of the run and is not counted.
    """

    timing: Timing
    per_minute: float = 0
    max_wait: float = 300
    waited: float = 0.0
    _next: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self) -> None:
        """Return when one more request may be sent."""
        with self._lock:
            now = self.timing.now()
            due = max(self._next or now, now)
            if self.per_minute:
                self._next = due + timedelta(seconds=60 / self.per_minute)
        if due > now:
            self.timing.sleep((due - now).total_seconds())

    def pause(self, seconds: float) -> None:
        """Wait as a vendor asked, or raise OverBudgetError without waiting."""
        with self._lock:
            if self.waited + seconds > self.max_wait:
                raise OverBudgetError(seconds)
            self.waited += seconds
        self.timing.sleep(seconds)


def wait_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds a vendor asks us to wait, or None where it does not say.

    Understands `Retry-After` (seconds or an HTTP date) and a rate-limit reset (seconds, epoch
    seconds or ISO 8601). `now` should be the vendor's own clock: both are moments of that clock.
    Never negative. `headers` must be case-insensitive.
    """
    asked = _seconds(headers.get("retry-after"), now)
    if asked is not None:
        return asked
    for name in _RESET_HEADERS:
        asked = _seconds(headers.get(name), now)
        if asked is not None:
            return asked
    return None


def _seconds(text: str | None, now: datetime) -> float | None:
    """Return the wait a header value stands for, or None when it is no known form."""
    if not text or not (text := text.strip()):
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        number = float(text)
        return max(0.0, number - now.timestamp()) if number > _EPOCH_FLOOR else number
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _moment(text: str) -> datetime | None:
    """Return the aware time a header value names; a time without a zone is UTC."""
    for parse in (parsedate_to_datetime, lambda value: pendulum.parse(value, strict=True)):
        try:
            moment = parse(text)
        except (ValueError, TypeError, OverflowError):
            continue
        if isinstance(moment, datetime):
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def vendor_time(headers: Mapping[str, str]) -> datetime | None:
    """Return the vendor's own clock from its `Date` header (whole seconds), or None."""
    text = headers.get("date")
    return _moment(text) if text else None
