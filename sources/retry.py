"""The retry policy, in one place and in numbers.

A connection that fails, a time-out, 408, 425 and 5xx are tried five times; an answer of 200 with a
body that is not what it should be, three times; a throttle eight times. Between tries the vendor's
own wait wins, else half a second doubling to thirty (when throttled, two seconds doubling to
sixty), with jitter. A throttle stops the credential, any other failure the one request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from sources.throttle import retry_after, vendor_time, wait_asked

TRIES = {"connection": 5, "server": 5, "body": 3, "throttled": 8}
# First and longest wait in seconds; a throttle that names no wait is taken to last a minute.
_WAITS = {"other": (0.5, 30.0), "throttled": (2.0, 60.0)}
_TRANSIENT = frozenset({408, 425})
_BAD_REQUEST, _UNAUTHORIZED, _TOO_MANY, _SERVER = 400, 401, 429, 500
# «The access token provided has expired»; a page address that has expired says something else.
_EXPIRED_TOKEN = re.compile(rb'invalid_token|access[ _-]?token[^"]*expired', re.IGNORECASE)


@dataclass
class Tries:
    """Counts the failed tries of one request, by kind."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many tries have failed, of any kind."""
        return sum(self.counts.values())

    def spend(self, kind: str) -> int | None:
        """Count one; return how many there were in all, or None when there are no more."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        spent = self.counts[kind] >= TRIES[kind]
        return None if spent else self.failed


def own_wait(kind: str, spent: int) -> float:
    """Return our own wait in seconds after so many failed tries, before jitter."""
    first, longest = _WAITS["throttled" if kind == "throttled" else "other"]
    return float(min(longest, first * 2 ** (spent - 1)))


def vendors_wait(kind: str, response: httpx.Response | None, now: datetime) -> float | None:
    """Return the wait in seconds an answer asks for before the next try, None where it does not.

    A reset of the rate limit stands on good answers too, so that a failure has nothing to do
    with it; only a throttle is waited out until then.
    """
    if response is None or kind not in ("throttled", "server"):
        return None
    asked = wait_asked if kind == "throttled" else retry_after
    return asked(response.headers, vendor_time(response.headers) or now)


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
        "www-authenticate" in response.headers
        or _EXPIRED_TOKEN.search(response.content) is not None
    )
