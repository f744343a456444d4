"""What a perfect reader of Collins would know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import orjson

from simulator.collins.switches import CollinsSwitches, Record, in_zone, shape, shown
from simulator.collins.world import Account

Place = tuple[str, str, str]  # tenant, kind of list, list


@dataclass(frozen=True)
class Truth:
    """What a perfect reader would know now: copies, in the vendor's words.

    The kinds of list are `label` (a string that a customer has), `marketing_preference` (its
    members opted in, then) and `venue`; only consents say when they began.
    """

    tenants: dict[str, Record] = field(default_factory=dict)
    customers: dict[tuple[str, str], Record] = field(default_factory=dict)
    lists: dict[Place, Record] = field(default_factory=dict)
    members: dict[Place, dict[str, str | None]] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Return the same keyed by text only."""
        answer: dict[str, Any] = {"tenants": self.tenants}
        for name in ("customers", "lists", "members"):
            part: dict[str, Any] = {tenant: {} for tenant in self.tenants}
            for (tenant, *above, key), value in getattr(self, name).items():
                level = part[tenant]
                for step in above:
                    level = level.setdefault(step, {})
                level[key] = value
            answer[name] = part
        return answer


def truth_of(world: Mapping[str, Account], switches: CollinsSwitches) -> Truth:
    """Return the truth about living customers that may be seen, as the switches have it sent."""
    truth, as_kept = Truth(), not any(shape(switches))
    for tenant, account in world.items():
        truth.tenants[tenant] = {"id": tenant}
        for kind, records in (
            ("marketing_preference", account.preferences),
            ("venue", account.venues),
        ):
            for list_id, record in records.items():
                truth.lists[tenant, kind, list_id] = deepcopy(in_zone(record, switches.zone))
                truth.members[tenant, kind, list_id] = {}
        for customer_id, raw in account.customers.items():
            if customer_id in account.hidden:
                continue
            record = orjson.loads(raw)
            for kind, list_id, since in _memberships(in_zone(record, switches.zone)):
                truth.members.setdefault((tenant, kind, list_id), {})[customer_id] = since
                if kind == "label":
                    truth.lists[tenant, kind, list_id] = {"id": list_id, "name": list_id}
            truth.customers[tenant, customer_id] = record if as_kept else shown(record, switches)
    return truth


def _memberships(record: Record) -> Iterator[tuple[str, str, str | None]]:
    for label in record.get("labels") or ():
        yield "label", label, None
    for venue_id in record.get("associated_venues") or ():
        yield "venue", venue_id, None
    for consent in record.get("marketing_preferences") or ():
        if consent.get("opted_in"):
            yield "marketing_preference", consent["id"], consent.get("opt_in_date")
