"""The control interface, no vendor's: below `/_control`, for a simulator in another process.

GET    /_control/describe                       addresses, client, organisations and their sizes
GET    /_control/requests                       what was asked, by kind
DELETE /_control/requests                       forget it
PATCH  /_control/loke/switches                  {"page_size": 50, …}
POST   /_control/loke/organizations/{o}/customers            {fields} → {"id"}
PATCH  /_control/loke/organizations/{o}/customers/{c}        {fields}
DELETE /_control/loke/organizations/{o}/customers/{c}
POST   /_control/loke/organizations/{o}/touch   {"count": n}: change so many, spread over all
POST   /_control/clock                          {"advance_seconds": n}
POST   /_control/faults                         {"pattern": …, "nth": 1, "status": 500, …}
DELETE /_control/faults
POST   /_control/render                         put every order ready
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from simulator.hooks import Answer

if TYPE_CHECKING:
    from simulator.core import Request, Simulator

_CUSTOMERS = re.compile(r"/_control/loke/organizations/([^/]+)/(customers|touch)(?:/([^/]+))?")


class Control:
    """Answers the control requests of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def respond(self, request: Request) -> Answer:
        """Answer one control request."""
        try:
            value = self._act(request.method, request.path, request.json() or {})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json(value)

    def _act(self, method: str, path: str, body: dict[str, Any]) -> Any:
        simulator, loke = self._simulator, self._simulator.loke
        acts: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "describe"): self._describe,
            ("GET", "requests"): self._requests,
            ("DELETE", "requests"): simulator.reset_counters,
            ("PATCH", "loke/switches"): lambda: self._switch(body),
            ("POST", "clock"): lambda: simulator.clock.advance(
                timedelta(seconds=body["advance_seconds"])
            ),
            ("POST", "faults"): lambda: simulator.fault(body.pop("pattern"), **body),
            ("DELETE", "faults"): simulator.clear,
            ("POST", "render"): lambda: [
                org.order(sort, loke.switches)
                for org in loke.world.values()
                for sort in ("created", "updated")
            ],
        }
        act = acts.get((method, path.removeprefix("/_control/")))
        if act is None:
            return self._customers(method, path, body)
        found = act()
        return found if isinstance(found, dict) else {}

    def _switch(self, body: dict[str, Any]) -> None:
        for name, value in body.items():
            getattr(self._simulator.loke.switches, name)
            setattr(self._simulator.loke.switches, name, value)

    def _requests(self) -> dict[str, Any]:
        kinds = self._simulator.by_kind()
        return {
            "kinds": kinds,
            "total": sum(kinds.values()),
            "max_in_flight": self._simulator.max_in_flight,
        }

    def _customers(self, method: str, path: str, body: dict[str, Any]) -> Any:
        match = _CUSTOMERS.fullmatch(path)
        if match is None:
            raise KeyError(path)
        loke, (org, what, customer_id) = self._simulator.loke, match.groups()
        if what == "touch":
            return {"touched": len(loke.touch(org, int(body["count"])))}
        if method == "POST":
            return {"id": loke.create_customer(org, **body)}
        if method == "DELETE":
            loke.delete_customer(org, customer_id)
        else:
            loke.update_customer(org, customer_id, **body)
        return {}

    def _describe(self) -> dict[str, Any]:
        loke = self._simulator.loke
        return {
            "loke": {
                "base_url": loke.base_url, "token_url": loke.token_url,
                "client_id": loke.client_id, "client_secret": loke.client_secret,
                "organizations": {
                    org_id: {
                        "name": org.record["name"], "customers": len(org.customers),
                        "lists": list(org.lists), "sample": list(org.customers)[:20],
                    }
                    for org_id, org in loke.world.items()
                },
            }
        }  # fmt: skip


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, orjson.dumps(value), {"content-type": "application/json"})
