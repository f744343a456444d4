"""The control interface, no vendor's: below `/_control`, for a simulator in another process.

GET    /_control/describe             addresses, client, organisations and their sizes, by vendor
GET    /_control/truth                what a perfect reader would know, by vendor
GET    /_control/requests             {"kinds": {"GET /…/{id}": n}, "total": n, "max_in_flight": n}
POST   /_control/requests/reset       forget what was asked
POST   /_control/clock                {"advance_seconds": n}
POST   /_control/faults               {"pattern": …, "nth": 1, "times": 1, "status": 500, …}
DELETE /_control/faults               forget every fault
POST   /_control/render               put every order and page ready
PATCH  /_control/loke/switches        {"page_size": 50, …}
POST   /_control/loke/organizations/{o}/customers                 {fields} → {"id": …}
POST   /_control/loke/organizations/{o}/customers/touch           {"count": n} → {"touched": n}
PATCH  /_control/loke/organizations/{o}/customers/{c}             {fields}
PATCH  /_control/loke/organizations/{o}/customers/{c}/statistics  {fields}; moves no stamp
DELETE /_control/loke/organizations/{o}/customers/{c}
POST   /_control/loke/organizations/{o}/lists/rotate              {"count": n} → {"moved": n}
PATCH  /_control/collins/switches                                 {"zone": "Europe/London", …}
POST   /_control/collins/tenants/{t}/customers                    {fields} → {"id": …}
POST   /_control/collins/tenants/{t}/customers/touch              {"count": n} → {"touched": n}
PATCH  /_control/collins/tenants/{t}/customers/{c}                {fields}
DELETE /_control/collins/tenants/{t}/customers/{c}
POST   /_control/collins/tenants/{t}/customers/{c}/restore        as it was
PUT    /_control/collins/tenants/{t}/customers/{c}/labels         {"labels": […]}
PUT    /_control/collins/tenants/{t}/customers/{c}/venues         {"venue_ids": […]}
PUT    /_control/collins/tenants/{t}/customers/{c}/preferences/{p}  {"opted_in": true}
POST   /_control/collins/tenants/{t}/customers/{c}/bookings       {fields} → {"id": …}
PATCH  /_control/collins/tenants/{t}/labels                       {"old": …, "new": …}
POST   /_control/collins/tenants/{t}/venues                       {"title": …} → {"id": …}
PATCH  /_control/collins/tenants/{t}/venues/{v}                   {"title": …}
DELETE /_control/collins/tenants/{t}/preferences/{p}              retired
PATCH  /_control/foodics/switches                                 {"page_size": 5, …}
POST   /_control/foodics/tenants/{t}/customers                    {fields} → {"id": …}
POST   /_control/foodics/tenants/{t}/customers/touch              {"count": n} → {"touched": n}
POST   /_control/foodics/tenants/{t}/customers/stamp              {"ids": […], "stamp": …}
PATCH  /_control/foodics/tenants/{t}/customers/{c}                {fields}
DELETE /_control/foodics/tenants/{t}/customers/{c}                soft
POST   /_control/foodics/tenants/{t}/customers/{c}/restore        as it was; {c}/erase: for good
POST   /_control/foodics/tenants/{t}/customers/{c}/order          an order more, now
PUT    /_control/foodics/tenants/{t}/customers/{c}/tags           {"tags": [ids]}
PUT    /_control/foodics/tenants/{t}/customers/{c}/addresses      {"addresses": [{fields}, …]}
POST   /_control/foodics/tenants/{t}/tags                         {"name": …} → {"id": …}
PATCH  /_control/foodics/tenants/{t}/tags/{g}                     {"name": …}; DELETE: soft
PUT    /_control/foodics/tenants/{t}/tags/{g}/customers/{c}       attach; DELETE: detach
POST   /_control/foodics/tenants/{t}/hidden                       {"ids": […]}; DELETE: show all
POST   /_control/foodics/tenants/{t}/token                        revoke → {"token": …}
PATCH  /_control/kounta/switches                                  {"vanish": ["700101"], …}
POST   /_control/kounta/tenants/{t}/customers                     {fields} → {"id": …}
POST   /_control/kounta/tenants/{t}/customers/touch               {"count": n} → {"touched": n}
PATCH  /_control/kounta/tenants/{t}/customers/{c}                 {fields}
DELETE /_control/kounta/tenants/{t}/customers/{c}
POST   /_control/kounta/tenants/{t}/customers/{c}/restore         as it was
PUT    /_control/kounta/tenants/{t}/customers/{c}/tags            {"tags": […]}
PUT    /_control/kounta/tenants/{t}/customers/{c}/addresses/{which}  {"address": {…} or null}
POST   /_control/kounta/tenants/{t}/tags/rename                   {"old": …, "new": …}
POST   /_control/kounta/tenants/{t}/hide                          {"ids": […]}; also …/unhide
POST   /_control/kounta/tenants/{t}/code                          → {"code": …} to authorize with

Fields go by the vendor's names. Beside them `"_missing": ["email"]` takes keys away and
`"_touch": false` leaves `updatedAt`. What cannot be done answers 400 with {"error": …}.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.core import Simulator


class Control:
    """Answers the control requests of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def respond(self, request: Request) -> Answer:
        """Answer one control request."""
        path = request.path.removeprefix("/_control/")
        try:
            value = self._act(request.method, path, request.object())
        except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
            return ok({"error": f"{type(error).__name__}: {error}"}, 400)
        return ok({} if value is None else value)

    def _act(self, method: str, path: str, body: dict[str, Any]) -> Any:
        simulator = self._simulator
        acts: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "describe"): self._describe,
            ("GET", "truth"): self._truth,
            ("GET", "requests"): self._requests,
            ("POST", "requests/reset"): simulator.reset_counters,
            ("POST", "clock"): lambda: self._advance(float(body["advance_seconds"])),
            ("POST", "faults"): lambda: simulator.fault(**body),
            ("DELETE", "faults"): simulator.clear_faults,
            ("POST", "render"): simulator.render,
        }
        act = acts.get((method, path))
        if act is not None:
            return act()
        name, _, rest = path.partition("/")
        return simulator.vendors[name].control(method, rest, body)

    def _advance(self, seconds: float) -> dict[str, str]:
        self._simulator.clock.advance(timedelta(seconds=seconds))
        return {"now": self._simulator.clock.now().isoformat()}

    def _requests(self) -> dict[str, Any]:
        kinds = self._simulator.by_kind()
        return {
            "kinds": kinds,
            "total": sum(kinds.values()),
            "max_in_flight": self._simulator.max_in_flight,
        }

    def _truth(self) -> dict[str, Any]:
        return {name: vendor.truth_json() for name, vendor in self._simulator.vendors.items()}

    def _describe(self) -> dict[str, Any]:
        return {name: vendor.describe() for name, vendor in self._simulator.vendors.items()}
