"""LOKE's token address: client credentials, in Basic or in the body."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.loke.wire import Loke


class Tokens:
    """Issues tokens and knows when they end."""

    def __init__(self, loke: Loke) -> None:
        self._loke = loke
        self._ends: dict[str, datetime] = {}

    def respond(self, request: Request) -> Answer:
        """Answer a request below `/loke-auth`."""
        if request.path == "/loke-auth/.well-known/openid-configuration":
            return ok(self._discovery())
        if request.path != "/loke-auth/token":
            return ok({"error": "not_found"}, 404)
        if request.method != "POST":
            return ok({"error": "invalid_request"}, 405)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        loke = self._loke
        if self._client(request, form) != (loke.client_id, loke.client_secret):
            challenge = {"www-authenticate": 'Basic realm="loke"'}
            return ok({"error": "invalid_client"}, 401, challenge)
        if form.get("grant_type") != "client_credentials":
            return ok({"error": "unsupported_grant_type"}, 400)
        return self._issue()

    def _issue(self) -> Answer:
        life, token = self._loke.switches.token_seconds, secrets.token_urlsafe(16)
        self._ends[token] = self._loke.clock.now() + timedelta(seconds=life)
        body = {"access_token": token, "token_type": "bearer", "expires_in": life, "scope": ""}
        return ok(body, headers={"cache-control": "no-store"})

    def _client(self, request: Request, form: dict[str, str]) -> tuple[str, str] | None:
        """Return the client as it named itself, None where that way is not accepted."""
        accepted = self._loke.switches.token_auth
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            if accepted == "body":
                return None
            try:
                name, _, secret = base64.b64decode(given).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return None
            return unquote(name), unquote(secret)
        if accepted == "basic":
            return None
        return form.get("client_id", ""), form.get("client_secret", "")

    def _discovery(self) -> dict[str, object]:
        issuer = self._loke.token_url.removesuffix("/token")
        accepted = {"basic": ["client_secret_basic"], "body": ["client_secret_post"]}
        both = [way for ways in accepted.values() for way in ways]
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": accepted.get(
                self._loke.switches.token_auth, both
            ),
        }

    def status(self, request: Request) -> int:
        """Return 200 for a living token, 401 for none or a wrong one, the switch's for a dead."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        ends = self._ends.get(token)
        if scheme.lower() != "bearer" or ends is None:
            return 401
        return 200 if ends > self._loke.clock.now() else self._loke.switches.expired_status

    def revoke(self) -> None:
        """End every token at once."""
        self._ends = dict.fromkeys(self._ends, self._loke.clock.now())
