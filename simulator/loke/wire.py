"""LOKE's endpoints, tokens and errors; and the hands that change its world."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import orjson

from simulator.hooks import Answer
from simulator.loke import pages, writes
from simulator.loke.data import Data
from simulator.loke.pages import ok, refuse
from simulator.loke.world import LokeSwitches, Organization, Record

if TYPE_CHECKING:
    from simulator.core import Request, Simulator

Handler = Callable[["Loke", "Request", Organization, Sequence[str]], Answer]


@dataclass(frozen=True)
class Truth:
    """What a perfect reader would know now."""

    organizations: dict[str, Record]
    customers: dict[tuple[str, str], Record]
    lists: dict[tuple[str, str], Record]
    members: dict[tuple[str, str], dict[str, str]]


class Loke(Data):
    """The vendor: `respond` is its wire, the methods of `Data` are its staff."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        customers: int,
        seed: int,
        switches: LokeSwitches | None,
        **world: Any,
    ) -> None:
        super().__init__(simulator.clock, customers=customers, seed=seed, **world)
        self.switches = switches or LokeSwitches()
        self.client_id, self.client_secret = "regulars-demo", "demo-secret-of-no-value"
        self._simulator = simulator
        self._tokens: dict[str, Any] = {}
        self._window: list[Any] = []

    @property
    def base_url(self) -> str:
        """The API's base address."""
        return f"{self._simulator.base}/loke"

    @property
    def token_url(self) -> str:
        """The address that issues tokens."""
        return f"{self._simulator.base}/loke-auth/token"

    def truth(self) -> Truth:
        """Return what a perfect reader would know now."""
        found = Truth({}, {}, {}, {})
        for org_id, org in self.world.items():
            found.organizations[org_id] = deepcopy(org.record)
            for customer_id, raw in org.customers.items():
                if customer_id not in org.hidden:
                    found.customers[org_id, customer_id] = orjson.loads(raw)
            for list_id, entry in org.lists.items():
                found.lists[org_id, list_id] = pages.list_record(entry, self.switches)
                found.members[org_id, list_id] = dict(entry.members)
        return found

    # -- the wire -------------------------------------------------------------------------------

    def respond(self, request: Request) -> Answer:
        """Answer one request."""
        if request.path.startswith("/loke-auth"):
            return self._authenticate(request)
        limited = self._limit()
        if limited is not None:
            return limited
        if not self._authorized(request):
            return refuse(self.switches.expired_status, "unauthorized", "access token expired")
        path = request.path.removeprefix("/loke")
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                ids = match.groups()
                org = self.world.get(ids[0]) if ids else Organization({})
                if org is not None:
                    return handler(self, request, org, ids[1:])
        return refuse(404, "not_found", "Not found")

    def _authorized(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expiry = self._tokens.get(token)
        return scheme.lower() == "bearer" and expiry is not None and expiry > self.clock.now()

    def _authenticate(self, request: Request) -> Answer:
        if request.path.endswith("/.well-known/openid-configuration"):
            issuer = f"{self._simulator.base}/loke-auth"
            return ok({"issuer": issuer, "token_endpoint": self.token_url})
        if request.method != "POST" or not request.path.endswith("/token"):
            return refuse(404, "not_found", "No such route")
        from urllib.parse import parse_qsl

        form = dict(parse_qsl(request.body.decode()))
        given: tuple[str | None, str] | None = None
        basic = request.headers.get("authorization", "")
        if basic.startswith("Basic ") and self.switches.token_auth in ("both", "basic"):
            name, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            given = (name, secret)
        elif "client_secret" in form and self.switches.token_auth in ("both", "body"):
            given = (form.get("client_id"), form["client_secret"])
        if given != (self.client_id, self.client_secret):
            return ok({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "client_credentials":
            return ok({"error": "unsupported_grant_type"}, 400)
        token, life = secrets.token_urlsafe(16), self.switches.token_seconds
        self._tokens[token] = self.clock.now() + timedelta(seconds=life)
        return ok({"access_token": token, "token_type": "bearer", "expires_in": life, "scope": ""})

    def _limit(self) -> Answer | None:
        """Refuse what is beyond the limit of a minute, with the header the switch asks for."""
        if self.switches.rate_limit is None:
            return None
        now, minute = self.clock.now(), timedelta(minutes=1)
        self._window = [at for at in self._window if at > now - minute]
        if len(self._window) < self.switches.rate_limit:
            self._window.append(now)
            return None
        free = self._window[0] + minute
        wait = max(1, round((free - now).total_seconds() + 0.5))
        headers = {
            "retry_after": {"retry-after": str(wait)},
            "retry_after_date": {
                "retry-after": format_datetime(free + timedelta(seconds=1), usegmt=True)
            },
            "retry_after_zero": {"retry-after": "0"},
            "reset_iso": {"x-ratelimit-reset": (free + timedelta(seconds=1)).isoformat()},
            "reset_epoch": {"x-ratelimit-reset": str(int(free.timestamp()) + 1)},
            "none": {},
        }[self.switches.rate_limit_header]
        answer = refuse(429, "too_many_requests", "Too many requests")
        answer.headers |= headers
        return answer


def _route(method: str, path: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    return method, re.compile(path.replace("{}", "([^/]+)")), handler


_ORG = "/organizations/{}"
ROUTES = (
    _route("GET", "/organizations", pages.organizations),
    _route("GET", _ORG, pages.organization),
    _route("GET", f"{_ORG}/locations", pages.locations),
    _route("GET", f"{_ORG}/customers", pages.customers),
    _route("GET", f"{_ORG}/customers/{{}}", pages.customer),
    _route("GET", f"{_ORG}/customers/{{}}/memberships", pages.memberships),
    _route("PUT", f"{_ORG}/customers/{{}}/points/{{}}", writes.put_points),
    _route("GET", f"{_ORG}/customer-lists", pages.lists),
    _route("POST", f"{_ORG}/customer-lists", writes.post_list),
    _route("GET", f"{_ORG}/customer-lists/{{}}", pages.one_list),
    _route("PUT", f"{_ORG}/customer-lists/{{}}", writes.put_list),
    _route("DELETE", f"{_ORG}/customer-lists/{{}}", writes.delete_list),
    _route("GET", f"{_ORG}/customer-lists/{{}}/members", pages.members),
    _route("PUT", f"{_ORG}/customer-lists/{{}}/members", writes.put_members),
    _route("PUT", f"{_ORG}/customer-lists/{{}}/members/{{}}", writes.put_member),
    _route("DELETE", f"{_ORG}/customer-lists/{{}}/members/{{}}", writes.delete_member),
    _route("GET", f"{_ORG}/webhooks", writes.webhooks),
    _route("PUT", f"{_ORG}/webhooks/{{}}", writes.put_webhook),
    _route("DELETE", f"{_ORG}/webhooks/{{}}", writes.delete_webhook),
)
