"""One HTTP client for every vendor: signing, pacing, retrying, and what an answer means.

All waiting is taken from the run's allowance (`Limiter.max_wait`). A refused token is renewed; one
that is refused fresh from its issue is final. Redirects are never followed: no token leaves its
host.
"""

from __future__ import annotations

import logging
import random
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from sources import verdicts
from sources.auth import Auth, TokenRefusedError
from sources.connections import Connections
from sources.errors import AuthError, ConfigError, NotFound, Unavailable
from sources.payload import MalformedBodyError, Record, parse, record_in
from sources.retry import Tries, is_expiry, is_passing, is_throttle, own_wait, vendors_wait
from sources.throttle import Limiter, OverBudgetError, vendor_time

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came with a value: headers, body, and the vendor's clock (None where it is unsaid)."""

    headers: httpx.Headers
    body: bytes
    vendor_time: datetime | None


@dataclass(frozen=True)
class Probe:
    """What a credential sees, in words, and the vendor's clock (None: it does not tell)."""

    sees: str
    vendor_time: datetime | None


class Client:
    """Asks one vendor, as one account, for JSON.

    Attributes:
        close: Closes the connections.
        vendor_time: The vendor's clock in its last answer.
        requests: How many were sent for each resource, retries included; `token` for tokens.
    """

    def __init__(
        self,
        *,
        vendor: str,
        account: str,
        base_url: str,
        limiter: Limiter,
        transport: httpx.BaseTransport | None = None,
        headers: Mapping[str, str] | None = None,
        at_once: int = 4,
    ) -> None:
        self.vendor, self.account, self.limiter = vendor, account, limiter
        self.base_url = httpx.URL(base_url.rstrip("/") + "/")
        if self.base_url.scheme not in ("http", "https") or not self.base_url.host:
            raise ConfigError(
                f"sources.{vendor}.base_url is not an http(s) address (account {account}). "
                "Nothing was read. Correct it in .dlt/config.toml or the environment."
            )
        self.log = logging.getLogger(f"regulars.{vendor}")
        self.auth: Auth | None = None
        self.requests = Counter[str]()
        self.vendor_time: datetime | None = None
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(at_once)
        self._random = random.Random()  # noqa: S311  jitter, not a secret
        ours = {"Accept": "application/json", "User-Agent": "regulars", **(headers or {})}
        self._http = Connections(transport, ours)
        # A walk asks for one path thousands of times.
        self._address = lru_cache(64)(self.base_url.join)
        # In ordinary dlt code nobody closes a source; its connections go with it.
        self.close = weakref.finalize(self, self._http.close)

    def url(self, path: str, **params: str) -> str:
        """Return the address of `path` under the base address, with these query parameters."""
        url = str(self._address(path.lstrip("/")))
        return f"{url}?{urlencode(params)}" if params else url

    def next_url(self, here: str, following: str, resource: str) -> str:
        """Return the absolute address of a next page.

        Raises:
            ContractError: It is none, or one of another host.
        """
        try:
            url = httpx.URL(here).join(following)
        except (httpx.InvalidURL, ValueError):
            what = "the address of the next page is none"
            raise verdicts.bad_address(what, self._where(resource)) from None
        if (url.scheme, url.host, url.port) != (
            self.base_url.scheme,
            self.base_url.host,
            self.base_url.port,
        ):
            what = "the next page is on another host"
            raise verdicts.bad_address(what, self._where(resource))
        return str(url)

    def get(
        self,
        url: str,
        *,
        resource: str,
        read: Callable[[Any], T] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[T, Answer]:
        """Return the answer's value, checked by `read`, and the answer.

        Raises:
            NotFound: 404 or 410. Forbidden: 403. AuthError: a token just issued was refused.
            ContractError: Any other 3xx or 4xx, or a body that `read` refuses three times.
            Unavailable: The vendor failed, or asked for a longer wait than the run may take.
        """
        tries, renewed_at = Tries(), None

        def build() -> httpx.Request:
            signed = {**(headers or {}), "Authorization": self._sign(resource)}
            return self._http.build_request("GET", url, headers=signed)

        while True:
            response = self._attempt(build, resource, tries)
            # Where nothing was waited for since, the token was fresh from its issue.
            if is_expiry(response) and renewed_at != tries.failed and self._renew(response):
                renewed_at = tries.failed
                continue
            if (error := verdicts.refused(response, self._where(resource))) is not None:
                raise error
            try:
                value = parse(response.content)
                checked: T = read(value) if read else value
            except MalformedBodyError as malformed:
                self._again("body", tries, resource, f"answered 200, but {malformed}", response)
                continue
            self.vendor_time = vendor_time(response.headers)
            return checked, Answer(response.headers, response.content, self.vendor_time)

    def find(
        self, url: str, *, resource: str, read: Callable[[Any], Record] = record_in
    ) -> Record | None:
        """Return the record at its own address, or None when the vendor says there is none.

        Raises as `get` does otherwise.
        """
        try:
            return self.get(url, resource=resource, read=read)[0]
        except NotFound:
            return None

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a token request under the same policy; return any answer below 500 but 429."""
        return self._attempt(lambda: request, "token", Tries())

    def _sign(self, resource: str) -> str:
        """Return the Authorization value of the next attempt."""
        if self.auth is None:
            raise ConfigError(f"sources.{self.vendor}: no credential (account {self.account}).")
        try:
            return self.auth.header()
        except TokenRefusedError as error:
            raise AuthError(
                f"the vendor refused the credential ({error.reason}). Nothing was changed; renew "
                f"it under sources.{self.vendor} and run again",
                **self._where(resource),
            ) from None

    def _renew(self, refused: httpx.Response) -> bool:
        """Forget the token that was refused; return whether another can be had."""
        return self.auth is not None and self.auth.renew(refused.request.headers["Authorization"])

    def _attempt(
        self, build: Callable[[], httpx.Request], resource: str, tries: Tries
    ) -> httpx.Response:
        """Send until the vendor gives an answer that is not a passing failure.

        `build` makes the request of each try, when nothing is left to wait for.
        """
        while True:
            self._acquire(resource)
            try:
                response = self._send(build, resource)
            except httpx.RequestError as error:
                what = f"no whole answer came ({type(error).__name__})"
                self._again("connection", tries, resource, what, None)
                continue
            status = response.status_code
            if is_throttle(response):
                what = f"the vendor throttles us ({status})"
                self._again("throttled", tries, resource, what, response)
            elif is_passing(response):
                self._again("server", tries, resource, f"the vendor failed ({status})", response)
            else:
                return response

    def _send(self, build: Callable[[], httpx.Request], resource: str) -> httpx.Response:
        """Send one request the limiter has let out, and tell the limiter of its answer."""
        headers = None
        try:
            request = build()
            with self._slots:
                with self._lock:
                    self.requests[resource] += 1
                response = self._http.send(request)
            headers = response.headers
        finally:
            self.limiter.answered(headers)
        return response

    def _acquire(self, resource: str) -> None:
        """Return when the limiter lets a request out, or raise that this run cannot wait for it."""
        try:
            self.limiter.acquire()
        except OverBudgetError as error:
            what = "the vendor lets in no more requests for now"
            raise self._later(what, error.seconds, resource) from None

    def _later(self, what: str, seconds: float, resource: str) -> Unavailable:
        """Return the error that says that a wait is too long for the run, or was ended."""
        now, where = self.limiter.timing.now(), self._where(resource)
        if self.limiter.stopped.is_set():
            return verdicts.stopped(now, where)
        return verdicts.too_long(what, seconds, now + timedelta(seconds=seconds), where)

    def _again(
        self, kind: str, tries: Tries, resource: str, what: str, response: httpx.Response | None
    ) -> None:
        """Wait before the next try, or raise what the failure means when there is none left."""
        spent = tries.spend(kind)
        if spent is None:
            raise verdicts.given_up(kind, what, self._where(resource))
        asked = vendors_wait(kind, response, self.limiter.timing.now())
        own = own_wait(kind, spent) * self._random.uniform(0.5, 1)
        # `Retry-After: 0` burnt all attempts of others at once: our own wait is the least.
        wait = max(own, asked or 0.0)
        self.log.info("%s/%s: %s; trying again in %.1f s", self.vendor, resource, what, wait)
        if kind == "throttled":
            # The next try waits for it, and so does whoever else asks as this account.
            self.limiter.hold(wait)
            return
        try:
            self.limiter.pause(wait)
        except OverBudgetError as error:
            raise self._later(what, error.seconds, resource) from None

    def _where(self, resource: str) -> dict[str, Any]:
        return {"vendor": self.vendor, "account": self.account, "resource": resource}
