"""The simulator: one core that answers a request, and three ways to reach it.

`respond` is the core, a plain function from a request to an answer. `transport()` calls it from
httpx in this process, `app` is the same as an ASGI application, `serve()` puts that on a port.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson

from simulator.clock import Clock, RealClock
from simulator.hooks import Answer, Hooks, RequestSeen

MISSING: Any = object()
"""As a field's value: the key is not there."""


class Request:
    """A request as a vendor sees it."""

    def __init__(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes
    ) -> None:
        self.method, self.path, self.query = method, path, query
        self.headers, self.body = headers, body
        self.params = dict(parse_qsl(query, keep_blank_values=True))

    def json(self) -> Any:
        """Return the body as JSON, None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


class Simulator(Hooks):
    """All vendors under one address: LOKE below `/loke`, its tokens below `/loke-auth`."""

    def __init__(
        self,
        *,
        customers: int = 1000,
        seed: int = 7,
        clock: Clock | None = None,
        loke: Any = None,
        **world: Any,
    ) -> None:
        from simulator.control import Control
        from simulator.loke import Loke

        super().__init__()
        self.clock: Clock = clock or RealClock()
        self._lock = threading.RLock()
        self.base = "http://vendors.test"
        self.loke = Loke(self, customers=customers, seed=seed, switches=loke, **world)
        self._control = Control(self)

    def respond(self, request: Request) -> Answer:
        """Answer one request: hooks first, then the vendor, then faults; all one at a time."""
        line = f"{request.method} {request.path}" + (f"?{request.query}" if request.query else "")
        with self._lock:
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            before, after = self.due(line)
            for rule in before:
                rule.act(None)
            answer = self._route(request)
            for rule in after:
                answer = rule.act(answer) or answer
            if not request.path.startswith("/_control"):
                self.requests.append(
                    RequestSeen(
                        request.method,
                        request.path,
                        request.query,
                        request.headers.get("host", ""),
                        "authorization" in request.headers,
                        answer.status,
                        self.clock.now(),
                    )
                )
            self.in_flight -= 1
        return answer

    def _route(self, request: Request) -> Answer:
        if request.path.startswith("/_control"):
            return self._control.respond(request)
        if request.path.startswith(("/loke/", "/loke-auth/")):
            answer = self.loke.respond(request)
            if self.loke.switches.date_header:
                answer.headers["date"] = format_datetime(self.clock.now(), usegmt=True)
            return answer
        return Answer(404, b'{"message": "no such vendor"}')

    def reset_counters(self) -> None:
        """Forget what was asked so far."""
        self.requests.clear()
        self.max_in_flight = 0

    def transport(self) -> httpx.BaseTransport:
        """Return a transport that answers in this process."""
        return _InProcess(self)

    @property
    def app(self) -> Callable[..., Any]:
        """The ASGI application."""
        from simulator.server import application

        return application(self)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[int]:
        """Serve on 127.0.0.1 while the block runs; yields the port, 0 asks for a free one."""
        from simulator.server import serving

        with serving(self, port) as bound:
            self.base = f"http://127.0.0.1:{bound}"
            yield bound


class _InProcess(httpx.BaseTransport):
    """Carries httpx requests to the simulator without a socket."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        answer = self._simulator.respond(
            Request(
                request.method,
                request.url.path,
                request.url.query.decode(),
                headers,
                request.read(),
            )
        )
        if answer.delay:
            time.sleep(answer.delay)
        if answer.hang:
            raise httpx.ReadTimeout("no answer in time", request=request)
        if answer.drop:
            raise httpx.ReadError("connection lost", request=request)
        if answer.truncate:
            raise httpx.RemoteProtocolError("incomplete body", request=request)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)
