"""The retry policy, in one place and in numbers.

A connection that fails, a time-out, 408, 425 and 5xx are tried five times; an answer of 200 with a
body that is not what it should be, three times; a throttle eight times. Between tries the vendor's
own wait wins, else half a second doubling to thirty (when throttled, two seconds doubling to
sixty), with jitter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

TRIES = {"connection": 5, "server": 5, "body": 3, "throttled": 8}
# First and longest wait in seconds; a throttle that names no wait is taken to last a minute.
_WAITS = {"other": (0.5, 30.0), "throttled": (2.0, 60.0)}
_TRANSIENT = frozenset({408, 425})
_BAD_REQUEST, _UNAUTHORIZED, _TOO_MANY, _SERVER = 400, 401, 429, 500


@dataclass
class Tries:
    """Counts the failed tries of one request, by kind."""

    counts: dict[str, int] = field(default_factory=dict)

    def spend(self, kind: str) -> int | None:
        """Count one; return how many there were in all, or None when there are no more."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        spent = self.counts[kind] >= TRIES[kind]
        return None if spent else sum(self.counts.values())


def own_wait(kind: str, spent: int) -> float:
    """Return our own wait in seconds after so many failed tries, before jitter."""
    first, longest = _WAITS["throttled" if kind == "throttled" else "other"]
    return float(min(longest, first * 2 ** (spent - 1)))


def is_throttle(response: httpx.Response) -> bool:
    """Tell whether the answer says that we ask too often."""
    if response.status_code == _TOO_MANY:
        return True
    # Seen of one vendor: a throttle answered with 400 and a text that says so.
    return response.status_code == _BAD_REQUEST and b"limit exceeded" in response.content.lower()


def is_passing(response: httpx.Response) -> bool:
    """Tell whether the vendor failed in a way that may pass."""
    return response.status_code >= _SERVER or response.status_code in _TRANSIENT


def is_expiry(response: httpx.Response) -> bool:
    """Tell whether the answer says that the token is not, or no longer, good."""
    if response.status_code == _UNAUTHORIZED:
        return True
    # Seen of one vendor: an expired token answered with 400 and a text that says so.
    return response.status_code == _BAD_REQUEST and (
        b"expired" in response.content or b"invalid_token" in response.content
    )
