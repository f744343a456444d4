"""One HTTP client for every vendor: signing, pacing, retrying, and what an answer means.

All waiting is taken from the run's allowance (`Limiter.max_wait`). 401 renews the credential once.
Redirects are never followed: no token leaves its host.
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
from typing import Any, NoReturn, TypeVar

import httpx

from sources.auth import Auth, TokenRefusedError
from sources.errors import (
    AuthError,
    ConfigError,
    ContractError,
    Forbidden,
    NotFound,
    Unavailable,
)
from sources.payload import MalformedBodyError, parse
from sources.retry import TRIES, Tries, is_expiry, is_passing, is_throttle, own_wait
from sources.throttle import Limiter, OverBudgetError, vendor_time, wait_asked

_OK, _UNAUTHORIZED, _FORBIDDEN, _GONE = 200, 401, 403, 404

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What came with a value: the headers, and the vendor's clock (None where it is unsaid)."""

    headers: httpx.Headers
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
        self._http = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(60, connect=10),
            headers={"Accept": "application/json", "User-Agent": "regulars", **(headers or {})},
            follow_redirects=False,
        )
        # In ordinary dlt code nobody closes a source; its connections go with it.
        self.close = weakref.finalize(self, self._http.close)

    def url(self, path: str, **params: str) -> str:
        """Return the address of `path` under the base address, with these query parameters."""
        url = self.base_url.join(path.lstrip("/"))
        return str(url.copy_merge_params(params) if params else url)

    def next_url(self, here: str, following: str, resource: str) -> str:
        """Return the absolute address of a next page; raises ContractError for a foreign host."""
        url = httpx.URL(here).join(following)
        if (url.scheme, url.host, url.port) != (
            self.base_url.scheme,
            self.base_url.host,
            self.base_url.port,
        ):
            raise ContractError(
                "the next page is on another host; the token was not sent there and nothing of "
                "this scan was published",
                **self._where(resource),
            )
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
            NotFound: 404. Forbidden: 403. AuthError: the credential was refused twice.
            ContractError: Any other 3xx or 4xx, or a body that `read` refuses three times.
            Unavailable: The vendor failed, or asked for a longer wait than the run may take.
        """
        tries, renewed = Tries(), False
        while True:
            signature = self._sign(resource)
            response = self._attempt(
                lambda: self._http.build_request(
                    "GET",
                    url,
                    # used before the next turn
                    headers={**(headers or {}), "Authorization": signature},  # noqa: B023
                ),
                resource,
                tries,
            )
            if is_expiry(response) and not renewed and self.auth is not None:
                renewed = self.auth.renew(signature)
                continue
            self._refuse(response, resource)
            try:
                value = parse(response.content)
                checked: T = read(value) if read else value
            except MalformedBodyError as error:
                self._again("body", tries, resource, f"answered 200, but {error}", response)
                continue
            self.vendor_time = vendor_time(response.headers)
            return checked, Answer(response.headers, self.vendor_time)

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
                f"client id and secret under sources.{self.vendor} and run again",
                **self._where(resource),
            ) from None

    def _attempt(
        self, build: Callable[[], httpx.Request], resource: str, tries: Tries
    ) -> httpx.Response:
        """Send until the vendor gives an answer that is not a passing failure."""
        while True:
            self._acquire(resource)
            with self._lock:
                self.requests[resource] += 1
            try:
                with self._slots:
                    response = self._http.send(build())
                self.limiter.answered(response.headers)
            except httpx.TransportError as error:
                self.limiter.answered(None)
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

    def _acquire(self, resource: str) -> None:
        """Return when the limiter lets a request out, or raise that this run cannot wait for it."""
        try:
            self.limiter.acquire()
        except OverBudgetError as error:
            what = "the run was stopped"
            if not self.limiter.stopped.is_set():
                what = "the vendor's quota is used up"
            raise self._later(what, error.seconds, resource) from None

    def _later(self, what: str, seconds: float, resource: str) -> Unavailable:
        """Return the error that says a wait is longer than the run may take."""
        return Unavailable(
            f"{what}, and the wait of {seconds:.0f} s is longer than this run may take. "
            "What was read up to the last checkpoint is kept, and the next run goes on there",
            resume_at=self.limiter.timing.now() + timedelta(seconds=seconds),
            **self._where(resource),
        )

    def _again(
        self, kind: str, tries: Tries, resource: str, what: str, response: httpx.Response | None
    ) -> None:
        """Wait before the next try, or raise what the failure means when there is none left."""
        spent = tries.spend(kind)
        if spent is None:
            self._give_up(kind, resource, what)
        now = self.limiter.timing.now()
        asked = (
            wait_asked(response.headers, vendor_time(response.headers) or now)
            if (response is not None and kind != "body")
            else None
        )
        own = own_wait(kind, spent) * self._random.uniform(0.5, 1)
        # `Retry-After: 0` burnt all attempts of others at once: our own wait is the least.
        wait = max(own, asked or 0.0)
        self.log.info("%s/%s: %s; trying again in %.1f s", self.vendor, resource, what, wait)
        try:
            self.limiter.pause(wait)
        except OverBudgetError as error:
            raise self._later(what, error.seconds, resource) from None

    def _give_up(self, kind: str, resource: str, what: str) -> NoReturn:
        """Raise what the last failed try means for the run."""
        where = self._where(resource)
        if kind == "body":
            raise ContractError(
                f"{what}, {TRIES[kind]} times. Nothing of this scan was published and the "
                "watermark has not moved, so a rerun is safe. If it repeats, ask the vendor",
                **where,
            )
        raise Unavailable(
            f"{what}, {TRIES[kind]} times. Nothing of this scan was published and the watermark "
            "has not moved; the next run tries again",
            **where,
        )

    def _refuse(self, response: httpx.Response, resource: str) -> None:
        """Raise what a status other than 200 means."""
        status, where = response.status_code, self._where(resource)
        if status == _OK:
            return
        if status == _UNAUTHORIZED or is_expiry(response):
            raise AuthError(
                "the vendor refused the token it has just issued (401). Nothing was changed; "
                "look at the credential's state with the vendor",
                **where,
            )
        if status == _FORBIDDEN:
            raise Forbidden(
                "the credential may not read this (403). Nothing was changed; have the missing "
                "permission granted",
                **where,
            )
        if status == _GONE:
            raise NotFound("the vendor says this does not exist (404)", **where)
        raise ContractError(
            f"an unexpected answer ({status}). Nothing of this scan was published and the "
            "watermark has not moved",
            **where,
        )

    def _where(self, resource: str) -> dict[str, Any]:
        return {"vendor": self.vendor, "account": self.account, "resource": resource}
