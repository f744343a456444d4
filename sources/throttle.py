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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pendulum

# Above this a bare number is a moment (epoch seconds), below it a duration: no vendor asks us to
# wait for thirty years.
_EPOCH_FLOOR = 1_000_000_000
_RESET_HEADERS = ("x-ratelimit-reset", "ratelimit-reset")
_REMAINING_HEADERS = ("x-ratelimit-remaining", "ratelimit-remaining")


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
        window: Seconds the vendor's own limit is for, where its answers do not say.
        left: How many more requests the vendor said it lets in; None where it does not say.
        stopped: Set when the run is to end: no request is sent any more.
    """

    timing: Timing
    per_minute: float = 0
    max_wait: float = 300
    window: float = 60
    waited: float = 0.0
    left: int | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    _next: datetime | None = None
    _resets: datetime | None = None
    _in_flight: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acquire(self) -> None:
        """Return when one more request may be sent.

        Raises:
            OverBudgetError: The vendor's quota is used up for longer than the run may wait.
        """
        if self.stopped.is_set():
            raise OverBudgetError(0)
        while (wait := self._until_quota()) > 0:
            self.pause(wait)
        with self._lock:
            now = self.timing.now()
            due = max(self._next or now, now)
            if self.per_minute:
                self._next = due + timedelta(seconds=60 / self.per_minute)
        if due > now:
            self.timing.sleep((due - now).total_seconds())

    def _until_quota(self) -> float:
        """Take one request from what the vendor said is left; or return the wait for more."""
        with self._lock:
            now = self.timing.now()
            if self._resets is not None and now >= self._resets:
                self.left = self._resets = None
            if self.left is not None and self.left <= 0 and self._resets is not None:
                return (self._resets - now).total_seconds()
            self._in_flight += 1
            if self.left is not None:
                self.left -= 1
            return 0

    def answered(self, headers: Mapping[str, str] | None) -> None:
        """Note an answer (None: there was none): how many more requests the vendor lets in.

        A refused request counts with some vendors, so the last one let in is the last one sent.
        Where the vendor does not say when its window ends, it is taken to have begun just now.
        """
        remaining = _count(headers, _REMAINING_HEADERS)
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)
            if headers is None or remaining is None:
                return
            now = self.timing.now()
            said = next((headers[name] for name in _RESET_HEADERS if name in headers), None)
            wait = _seconds(said, vendor_time(headers) or now)
            if wait is not None:
                self._resets = now + timedelta(seconds=wait)
            elif self._resets is None:
                self._resets = now + timedelta(seconds=self.window)
            self.left = remaining - self._in_flight

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


def _count(headers: Mapping[str, str] | None, names: Sequence[str]) -> int | None:
    """Return the whole number one of these headers holds, if any does."""
    for name in names if headers is not None else ():
        text = (headers or {}).get(name, "").strip()
        if text.isdecimal():
            return int(text)
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
