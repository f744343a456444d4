"""The control interface, clearly no vendor's: below `/_control`, for a simulator in another process.

GET    /_control/describe                       addresses, client, organisations and their sizes
GET    /_control/requests                       what was asked, by kind
DELETE /_control/requests                       forget it
PATCH  /_control/loke/switches                  {"page_size": 50, …}
POST   /_control/loke/organizations/{o}/customers            {fields} → {"id"}
PATCH  /_control/loke/organizations/{o}/customers/{c}        {fields}
DELETE /_control/loke/organizations/{o}/customers/{c}
POST   /_control/loke/organizations/{o}/touch   {"count": n}: change so many, spread over all
POST   /_control/clock                          {"advance_seconds": n}
POST   /_control/faults                         {"pattern": …, "nth": 1, "times": 1, "status": 500, …}
DELETE /_control/faults
POST   /_control/render                         put every order ready
"""

from __future__ import annotations

import re
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
        except (KeyError, TypeError, ValueError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json(value)

    def _act(self, method: str, path: str, body: dict[str, Any]) -> Any:
        simulator, loke = self._simulator, self._simulator.loke
        match method, path:
            case "GET", "/_control/describe":
                return self._describe()
            case "GET", "/_control/requests":
                kinds = simulator.by_kind()
                return {
                    "kinds": kinds,
                    "total": sum(kinds.values()),
                    "max_in_flight": simulator.max_in_flight,
                }
            case "DELETE", "/_control/requests":
                simulator.reset_counters()
            case "PATCH", "/_control/loke/switches":
                for name, value in body.items():
                    getattr(loke.switches, name)
                    setattr(loke.switches, name, value)
            case "POST", "/_control/clock":
                simulator.clock.advance(timedelta(seconds=body["advance_seconds"]))
            case "POST", "/_control/faults":
                simulator.fault(body.pop("pattern"), **body)
            case "DELETE", "/_control/faults":
                simulator.clear()
            case "POST", "/_control/render":
                for org in loke.world.values():
                    for sort in ("created", "updated"):
                        org.order(sort, loke.switches)
            case _:
                return self._customers(method, path, body)
        return {}

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
