"""The vendors' clock: the real one, or one that stands still until it is told to move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the simulator needs of a clock."""

    def now(self) -> datetime:
        """Return the vendor's time, aware, UTC."""
        ...

    def advance(self, by: timedelta) -> None:
        """Move the vendor's time, back too."""
        ...


class RealClock:
    """The machine's clock, and however far it was moved."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the machine's time plus the offset."""
        return datetime.now(UTC) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move the offset."""
        self._offset += by


class VirtualClock:
    """A clock that stands still."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock, self._looked = threading.Lock(), threading.local()

    def now(self) -> datetime:
        """Return where it stands."""
        now = self._looked.at = self._now
        return now

    def advance(self, by: timedelta) -> None:
        """Move it."""
        self.set(self._now + by)

    def set(self, to: datetime) -> None:
        """Put it somewhere."""
        with self._lock:
            self._now = self._looked.at = to

    def sleep(self, seconds: float) -> None:
        """Stand in for a real sleep: the time passes at once.

        It begins when the thread last looked: what several sleep at once passes once.
        """
        with self._lock:
            began = getattr(self._looked, "at", self._now)
            self._now = max(self._now, began + timedelta(seconds=seconds))


def stamp(moment: datetime) -> str:
    """Return RFC 3339 with `Z`, whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def stamp_ms(moment: datetime) -> str:
    """Return RFC 3339 with `Z` and milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
