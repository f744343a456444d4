"""Who asks: Kounta's token address, its tokens, and HTTP Basic."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.kounta.paging import refuse
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.kounta.wire import Kounta

_EXPIRED = "The access token provided has expired"


class Tokens:
    """Issues tokens, each for one company, and knows when they end."""

    def __init__(self, kounta: Kounta, seed: int) -> None:
        self._kounta, self._seed, self._issued = kounta, seed, 0
        self._access: dict[str, tuple[str, datetime]] = {}
        self._codes: dict[str, str] = {}
        self._refresh: dict[str, str] = {}  # every one there ever was, and its company
        self.refresh = {tenant: self._new_refresh(tenant) for tenant in kounta.tenants}

    def respond(self, request: Request) -> Answer:
        """Answer a request to the token address."""
        if request.method != "POST":
            return refuse(405, "invalid_request", "The request method must be POST")
        form = _form(request)
        tenant = self._client(request, form)
        if tenant is None:
            return refuse(401, "invalid_client", "The client credentials are invalid")
        if form.get("grant_type") == "authorization_code":
            if self._codes.pop(str(form.get("code")), None) == tenant:
                return self._issue(tenant, renew=True)
            return refuse(400, "invalid_grant", "Authorization code doesn't exist or was used")
        if form.get("grant_type") == "refresh_token":
            return self._refreshed(tenant, str(form.get("refresh_token")))
        return refuse(400, "unsupported_grant_type", "This grant type is not supported")

    def _refreshed(self, tenant: str, token: str) -> Answer:
        switches = self._kounta.switches
        ever = switches.old_refresh == "lives" and self._refresh.get(token) == tenant
        if ever or self.refresh[tenant] == token:
            return self._issue(tenant, renew=switches.rotate)
        return refuse(switches.refresh_status, "invalid_grant", "Invalid refresh token")

    def _issue(self, tenant: str, *, renew: bool) -> Answer:
        life, token = self._kounta.switches.token_seconds, self._new()
        self._access[token] = tenant, self._kounta.clock.now() + timedelta(seconds=life)
        body: dict[str, Any] = {"access_token": token, "expires_in": life}
        if renew:
            self.refresh[tenant] = body["refresh_token"] = self._new_refresh(tenant)
        return ok(
            body | {"token_type": "Bearer", "scope": ""}, headers={"cache-control": "no-store"}
        )

    def _new(self) -> str:
        # Counted, not drawn: how often a reader signs in changes nothing about the world.
        self._issued += 1
        return hashlib.sha1(f"{self._seed} {self._issued}".encode()).hexdigest()  # noqa: S324

    def _new_refresh(self, tenant: str) -> str:
        token = self._new()
        self._refresh[token] = tenant
        return token

    def code(self, tenant: str) -> str:
        """Return a code as an owner who consents would send one; it works once."""
        code = self._new()
        self._codes[code] = tenant
        return code

    def revoke(self) -> None:
        """End every access token at once."""
        now = self._kounta.clock.now()
        self._access = {token: (tenant, now) for token, (tenant, _) in self._access.items()}

    def _client(self, request: Request, form: dict[str, Any]) -> str | None:
        """Return the company of the client, named in Basic or in the body."""
        client = _basic(request) or (form.get("client_id"), form.get("client_secret"))
        for tenant, company in self._kounta.world.items():
            if client == (company.client_id, company.client_secret):
                return tenant
        return None

    def tenant(self, request: Request) -> str | Answer:
        """Return the company that a request's credential is for, or the refusal."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic" and self._kounta.switches.basic_allowed:
            return self._client(request, {}) or _unauthorized("The client credentials are invalid")
        if scheme.lower() != "bearer":
            return _unauthorized("Authentication is required to access this resource")
        tenant, ends = self._access.get(token, ("", None))
        if ends is None:
            return _unauthorized("The access token provided is invalid")
        if ends <= self._kounta.clock.now():
            return _unauthorized(_EXPIRED, self._kounta.switches.expired_status)
        return tenant


def _unauthorized(description: str, status: int = 401) -> Answer:
    answer = refuse(status, "invalid_token", description)
    answer.headers["www-authenticate"] = 'Bearer realm="Kounta"'
    return answer


def _form(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", ""):
        return request.object()
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(given).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret
