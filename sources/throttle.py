"""How fast a vendor may be asked, and how long a run may wait for it.

One `Limiter` stands for one credential, whichever thread asks. It spaces requests by our own cap
and obeys the wait a vendor asks for, in each of the forms vendors use. Time spent waiting is taken
from the run's allowance, once however many threads wait at the same time; when the allowance
cannot cover a wait, the caller is told at once, so that a run checkpoints instead of sleeping
through its schedule.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pendulum

# Above this a bare number is a moment (epoch seconds), below it a duration: no vendor asks us to
# wait for thirty years. Far above it the moment is told in milliseconds.
_EPOCH_FLOOR, _MILLISECONDS_FLOOR = 1_000_000_000, 100_000_000_000
_LONGEST_COUNT = 15  # digits; a longer number is no count of requests
_RESET_HEADERS = ("x-ratelimit-reset", "ratelimit-reset")
_REMAINING_HEADERS = ("x-ratelimit-remaining", "ratelimit-remaining")


@dataclass(frozen=True)
class Timing:
    """The clock and the sleep a run lives by (None: a real sleep); tests put virtual ones here."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] | None = None

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Sleep; a real sleep ends the moment `stopped` is set."""
        if self.sleep is None:
            stopped.wait(seconds)
        else:
            self.sleep(seconds)


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
        waited: Seconds spent waiting so far.
        stopped: Set when the run is to end: no request is sent any more, and no wait goes on.
    """

    timing: Timing
    per_minute: float = 0
    max_wait: float = 300
    window: float = 60
    waited: float = 0.0
    stopped: threading.Event = field(default_factory=threading.Event)
    _next: datetime | None = None
    _resets: datetime | None = None
    _held_until: datetime | None = None
    _paid_until: datetime | None = None
    _in_flight: int = 0
    _told: int | None = None
    _out: int = 0
    _out_when_told: int = 0
    _turn: int = 0
    _mine: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def left(self) -> int | None:
        """How many more requests the vendor lets in; None where it does not say.

        A refused request counts with some vendors, so the last one let in is the last one sent.
        """
        return None if self._told is None else self._told - self._in_flight

    def acquire(self) -> None:
        """Return when one more request may be sent.

        Raises:
            OverBudgetError: The vendor lets nothing in for longer than the run may wait, or the
                run was stopped.
        """
        self._keep_pace()
        while (until := self._shut_until()) is not None:
            self._pause_until(until)
            self._keep_pace()

    def _keep_pace(self) -> None:
        """Wait for the next turn our own cap leaves."""
        with self._lock:
            now = self.timing.now()
            due = max(self._next or now, now)
            if self.per_minute:
                self._next = due + timedelta(seconds=60 / self.per_minute)
        self._sleep((due - now).total_seconds())

    def _shut_until(self) -> datetime | None:
        """Take one request from what the vendor lets in; or return when there are more."""
        with self._lock:
            now = self.timing.now()
            if self._held_until is not None and now < self._held_until:
                return self._held_until
            if self._resets is not None and now >= self._resets:
                self._told = self._resets = None
                self._turn += 1
            if self.left is not None and self.left <= 0 and self._resets is not None:
                return self._resets
            self._in_flight += 1
            self._out += 1
            self._mine.turn, self._mine.number = self._turn, self._out
            return None

    def answered(self, headers: Mapping[str, str] | None) -> None:
        """Note an answer (None: there was none): how many more requests the vendor lets in.

        Called by the thread that was let in. Answers overtake one another: a larger number than
        before is news only where its request was let in after the smaller one came, and what was
        let in before the window began anew tells nothing of it.
        Where the vendor does not say when its window ends, it is taken to have begun just now.
        """
        remaining = _count(headers, _REMAINING_HEADERS)
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)
            if getattr(self._mine, "turn", self._turn) != self._turn:
                return
            if headers is None or remaining is None:
                # It may have counted all the same.
                self._told = self._told if self._told is None else self._told - 1
                return
            now = self.timing.now()
            said = next((headers[name] for name in _RESET_HEADERS if name in headers), None)
            wait = _seconds(said, vendor_time(headers) or now)
            if wait is not None:
                self._resets = now + timedelta(seconds=wait)
            elif self._resets is None:
                self._resets = now + timedelta(seconds=self.window)
            later = getattr(self._mine, "number", self._out) > self._out_when_told
            if self._told is None or remaining < self._told or later:
                self._told, self._out_when_told = remaining, self._out

    def hold(self, seconds: float) -> None:
        """Let nothing out before so many seconds are over, whichever thread asks."""
        with self._lock:
            until = self.timing.now() + timedelta(seconds=seconds)
            self._held_until = max(self._held_until or until, until)

    def pause(self, seconds: float) -> None:
        """Wait, or raise OverBudgetError without waiting; time others wait too is paid once."""
        self._pause_until(self.timing.now() + timedelta(seconds=seconds))

    def _pause_until(self, until: datetime) -> None:
        with self._lock:
            now = self.timing.now()
            seconds = (until - now).total_seconds()
            paid = max(self._paid_until or now, now)
            waited = self.waited + max(0.0, (until - paid).total_seconds())
            if waited > self.max_wait:
                raise OverBudgetError(seconds)
            self.waited, self._paid_until = waited, max(until, paid)
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        """Sleep; raise OverBudgetError when the run was stopped meanwhile, or before."""
        if seconds > 0 and not self.stopped.is_set():
            self.timing.wait(seconds, self.stopped)
        if self.stopped.is_set():
            raise OverBudgetError(seconds)


def wait_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds a vendor that throttles asks us to wait, None where it does not say.

    Understands `Retry-After` and a rate-limit reset (seconds, epoch seconds or milliseconds, ISO
    8601). `now` should be the vendor's own clock: both are moments of that clock. Never negative.
    `headers` must be case-insensitive.
    """
    asked = retry_after(headers, now)
    if asked is not None:
        return asked
    for name in _RESET_HEADERS:
        asked = _seconds(headers.get(name), now)
        if asked is not None:
            return asked
    return None


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds `Retry-After` names, by number or HTTP date; as `wait_asked`."""
    return _seconds(headers.get("retry-after"), now)


def _count(headers: Mapping[str, str] | None, names: Sequence[str]) -> int | None:
    """Return the whole number one of these headers holds, if any does."""
    for name in names if headers is not None else ():
        text = (headers or {}).get(name, "").strip()
        if text.isdecimal() and len(text) < _LONGEST_COUNT:
            return int(text)
    return None


def _seconds(text: str | None, now: datetime) -> float | None:
    """Return the wait a header value stands for, or None when it is no known form."""
    if not text or not (text := text.strip()):
        return None
    if re.fullmatch(r"\d+(\.\d+)?", text):
        number = float(text)
        number = number / 1000 if number > _MILLISECONDS_FLOOR else number
        wait = number - now.timestamp() if number > _EPOCH_FLOOR else number
    elif (moment := _moment(text)) is not None:
        wait = (moment - now).total_seconds()
    else:
        return None
    return min(max(wait, 0.0), _EPOCH_FLOOR)


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
