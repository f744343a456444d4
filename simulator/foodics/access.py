"""Who may ask Foodics, for what, and how often: tokens, scopes, a limit for each token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from simulator.foodics.paging import refuse
from simulator.foodics.world import Business
from simulator.limits import Limit, refusal
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics

_MINUTE = timedelta(minutes=1)


class Access:
    """Knows the token of each business; they live until they are revoked."""

    def __init__(self, foodics: Foodics) -> None:
        self._foodics = foodics
        self._tokens = {
            tenant: f"foodics-demo-{number}-1" for number, tenant in enumerate(foodics.world, 1)
        }
        self._limits: dict[str, _Window] = {}

    def token(self, tenant: str) -> str:
        """Return the token of a business."""
        return self._tokens[tenant]

    def revoke(self, tenant: str) -> None:
        """End a business's token; `token` tells the new one."""
        name, _, number = self._tokens[tenant].rpartition("-")
        self._tokens[tenant] = f"{name}-{int(number) + 1}"

    def business(self, request: Request) -> Business | None:
        """Return the business whose token this is; the word `Bearer` is case-sensitive."""
        given = request.headers.get("authorization", "")
        for tenant, token in self._tokens.items():
            if given == f"Bearer {token}":
                return self._foodics.world[tenant]
        return None

    def limited(self, request: Request) -> tuple[Answer | None, Mapping[str, str]]:
        """Return the refusal of what is beyond the limit, and the headers of every answer."""
        switches, clock = self._foodics.switches, self._foodics.clock
        if switches.rate_limit is None:
            return None, {}
        given = request.headers.get("authorization", "")
        window = self._limits.setdefault(given, _Window(clock, _MINUTE))
        free = window.take(switches.rate_limit)
        headers = {
            "x-ratelimit-limit": str(switches.rate_limit),
            "x-ratelimit-remaining": str(window.left(switches.rate_limit)),
        }
        if free is None:
            return None, headers
        headers |= refusal(switches.rate_limit_header, clock.now(), free)
        return refuse(429), headers


class _Window(Limit):
    """A limit that starts anew a minute after the first request counted; refused ones count."""

    def take(self, at_most: int) -> datetime | None:
        """Count a request, let in or not; return when the next is let in if this one is not."""
        now = self._clock.now()
        if self._taken and self._taken[0] + self._period <= now:
            self._taken = []
        self._taken.append(now)
        if len(self._taken) <= at_most:
            return None
        return (self._taken[0] + self._period + timedelta(seconds=1)).replace(microsecond=0)
