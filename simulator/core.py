"""The simulator: one core that answers a request, and three ways to reach it.

`respond` is the core, a plain function from a request to an answer. `transport()` calls it from
httpx in this process, `app` is the same as an ASGI application, `serve()` puts that on a port.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any, Protocol

import httpx

from simulator.clock import Clock, RealClock
from simulator.collins import Collins, CollinsSwitches
from simulator.control import Control
from simulator.foodics import Foodics, FoodicsSwitches
from simulator.hooks import Hooks
from simulator.kounta import Kounta, KountaSwitches
from simulator.loke import Loke, LokeSwitches
from simulator.messages import Answer, Request, RequestSeen, ok
from simulator.server import application, serving
from simulator.transport import InProcess


class Switches(Protocol):
    """What the switches of every vendor have."""

    date_header: bool


class Vendor(Protocol):
    """What the simulator needs of a vendor."""

    @property
    def switches(self) -> Switches:
        """What it might do otherwise."""
        ...

    def respond(self, request: Request) -> Answer:
        """Answer a request below one of its prefixes."""
        ...

    def control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Do what the control interface asks below its name; KeyError where it cannot."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return addresses, credentials and sizes."""
        ...

    def truth_json(self) -> dict[str, Any]:
        """Return what a perfect reader would know, keyed by text only."""
        ...

    def render(self) -> None:
        """Put ready whatever can be."""
        ...


class Simulator(Hooks):
    """All vendors under one address, each below its name; LOKE's tokens below `/loke-auth`.

    Args:
        customers: how many each vendor has, over all its tenants.
        seed: the same seed and clock make the same world.
        clock: the vendors' clock; the real one unless given.
        only: the vendors that exist; all unless given.
        loke: what LOKE does otherwise; `collins`, `kounta` and `foodics` likewise.
        world: `organizations`, `lists`, `members_per_list`, as `simulator.loke.build.build`.
    """

    def __init__(
        self,
        *,
        customers: int = 1000,
        seed: int = 7,
        clock: Clock | None = None,
        only: Collection[str] | None = None,
        loke: LokeSwitches | None = None,
        collins: CollinsSwitches | None = None,
        kounta: KountaSwitches | None = None,
        foodics: FoodicsSwitches | None = None,
        **world: Any,
    ) -> None:
        super().__init__()
        self.clock: Any = clock or RealClock()
        self.lock = threading.RLock()
        self.base = "http://vendors.test"
        self.vendors: dict[str, Vendor] = {}
        size: Any = {"customers": customers, "seed": seed}
        if only is None or "loke" in only:
            self.vendors["loke"] = self.loke = Loke(self, **size, switches=loke, **world)
        if only is None or "collins" in only:
            self.vendors["collins"] = self.collins = Collins(self, **size, switches=collins)
        if only is None or "kounta" in only:
            self.vendors["kounta"] = self.kounta = Kounta(self, **size, switches=kounta)
        if only is None or "foodics" in only:
            self.vendors["foodics"] = self.foodics = Foodics(self, **size, switches=foodics)
        self._control = Control(self)

    def respond(self, request: Request) -> Answer:
        """Answer one request: hooks first, then the vendor, then faults; all one at a time."""
        if request.path.startswith("/_control"):
            with self.lock:
                return self._control.respond(request)
        with self.lock:
            before, after = self._due(request.line)
            for rule in before:
                rule.act(None)
            vendor = self._vendor(request.path)
            answer = vendor.respond(request) if vendor else ok({"message": "no such vendor"}, 404)
            for rule in after:
                answer = rule.act(answer) or answer
            if vendor and vendor.switches.date_header:
                answer.headers.setdefault("date", format_datetime(self.clock.now(), usegmt=True))
            self.requests.append(self._seen(request, answer))
        return answer

    def _vendor(self, path: str) -> Vendor | None:
        prefix = path.split("/")[1]
        return self.vendors.get(prefix.removesuffix("-auth"))

    def _seen(self, request: Request, answer: Answer) -> RequestSeen:
        return RequestSeen(
            request.method,
            request.path,
            request.query,
            answer.status,
            self.clock.now(),
            request.headers.get("host", ""),
            "authorization" in request.headers,
            self.in_flight,
        )

    def render(self) -> None:
        """Put every order and every page ready, so that the first reader waits for nothing."""
        with self.lock:
            for vendor in self.vendors.values():
                vendor.render()

    def transport(self) -> httpx.BaseTransport:
        """Return a transport that answers in this process, whatever the host, from any thread."""
        return InProcess(self)

    @property
    def app(self) -> Callable[..., Any]:
        """The ASGI application."""
        return application(self)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[int]:
        """Serve on 127.0.0.1 while the block runs; yields the port, 0 asks for a free one."""
        before = self.base
        with serving(self, port) as bound:
            self.base = f"http://127.0.0.1:{bound}"
            try:
                yield bound
            finally:
                self.base = before
