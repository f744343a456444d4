"""Credentials: what goes into the Authorization header, and how it is renewed.

A credential travels in headers and token bodies only. Every attempt is signed anew, after all
waiting, so that a token which expires during a wait is never sent.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from sources.payload import parse
from sources.throttle import Timing

# A token is renewed when four fifths of its life are over, so that none expires in flight.
SHARE_OF_LIFE = 0.8
_UNSTATED_LIFE = timedelta(minutes=5)
_LONGEST_LIFE = 10**9


class Auth(Protocol):
    """What a client needs of a credential."""

    def header(self) -> str:
        """Return the value of the Authorization header."""
        ...

    def renew(self, refused: str) -> bool:
        """Forget the header value the vendor refused; return whether another can be had."""
        ...


class TokenRefusedError(Exception):
    """The token endpoint refused the credential; `reason` is its own word (`invalid_client` …)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Send = Callable[[httpx.Request], httpx.Response]


@dataclass
class ClientCredentials:
    """OAuth 2 client credentials: the secret goes in Basic first, in the body if that is refused.

    Attributes:
        send: Sends one request under the client's retry policy; returns answers below 500.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    timing: Timing
    send: Send
    _token: str | None = field(default=None, repr=False)
    _until: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def header(self) -> str:
        """Return `Bearer <token>`, asking for a token when there is none that will last."""
        with self._lock:
            if self._token is None or self._until is None or self.timing.now() >= self._until:
                self._ask()
            return f"Bearer {self._token}"

    def renew(self, refused: str) -> bool:
        """Drop the refused token unless another thread has replaced it already."""
        with self._lock:
            if refused == f"Bearer {self._token}":
                self._token = None
        return True

    def _ask(self) -> None:
        """Fetch a token with either way of client authentication."""
        form = {"grant_type": "client_credentials"}
        basic = httpx.Request("POST", self.token_url, data=form)
        pair = httpx.BasicAuth(self.client_id, self.client_secret)
        answer = self.send(next(pair.auth_flow(basic)))
        if answer.status_code in (400, 401):
            body = {**form, "client_id": self.client_id, "client_secret": self.client_secret}
            answer = self.send(httpx.Request("POST", self.token_url, data=body))
        self._token, lasts = token_in(answer)
        self._until = self.timing.now() + lasts * SHARE_OF_LIFE


@dataclass(frozen=True)
class Unchanging:
    """A credential that is what it is: a long-lived token, or HTTP Basic."""

    value: str = field(repr=False)

    def header(self) -> str:
        """Return the value as it was given."""
        return self.value

    def renew(self, refused: str) -> bool:  # noqa: ARG002
        """There is no other to be had."""
        return False


def bearer(token: str) -> Unchanging:
    """Return the credential of a token an operator was given."""
    return Unchanging(f"Bearer {token}")


def basic(client_id: str, client_secret: str) -> Unchanging:
    """Return HTTP Basic of a client's own id and secret."""
    pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    return Unchanging(f"Basic {pair}")


def token_in(answer: httpx.Response) -> tuple[str, timedelta]:
    """Return the access token of a token endpoint's answer, and how long it lives.

    Raises:
        TokenRefusedError: There is none in it.
    """
    token = field_of(answer, "access_token")
    if answer.status_code != httpx.codes.OK or not isinstance(token, str) or not token:
        error = field_of(answer, "error")
        known = error if isinstance(error, str) and error.replace("_", "").isalpha() else None
        raise TokenRefusedError(known or f"HTTP {answer.status_code}")
    life = field_of(answer, "expires_in")
    if isinstance(life, int | float) and 0 < life < _LONGEST_LIFE:
        return token, timedelta(seconds=life)
    return token, _UNSTATED_LIFE


def field_of(answer: httpx.Response, name: str) -> object:
    """Return a field of a JSON object body, or None when the body is anything else."""
    try:
        body = parse(answer.content)
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None
