"""The hands that change LOKE's world from outside its API, as its staff and its tills would."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from simulator.clock import Clock, stamp
from simulator.loke.world import CustomerList, Record, build
from simulator.people import ulid


class Data:
    """LOKE's world and the ways to change it. Every id is text, every stamp the vendor's clock."""

    def __init__(self, clock: Clock, *, customers: int, seed: int, **world: Any) -> None:
        self.clock = clock
        self._random = random.Random(seed)
        self.world = build(self._random, clock.now(), customers=customers, **world)

    @property
    def organizations(self) -> list[str]:
        """Ids of the organisations."""
        return list(self.world)

    def customer_ids(self, org: str) -> list[str]:
        """Ids of an organisation's customers."""
        return list(self.world[org].customers)

    def list_ids(self, org: str) -> list[str]:
        """Ids of an organisation's lists."""
        return list(self.world[org].lists)

    def member_ids(self, org: str, list_id: str) -> list[str]:
        """Customer ids on a list."""
        return list(self.world[org].lists[list_id].members)

    def customer(self, org: str, customer_id: str) -> Record:
        """Return a customer's record."""
        record: Record = orjson.loads(self.world[org].customers[customer_id])
        return record

    def create_customer(self, org: str, **fields: Any) -> str:
        """Add a customer, stamped now unless the fields say otherwise; return its id."""
        now = self.clock.now()
        record = {
            "id": ulid(now, self._random), "firstName": "Ilo", "lastName": "Tan",
            "createdAt": stamp(now), "updatedAt": stamp(now),
        } | fields  # fmt: skip
        self.world[org].put(_present(record))
        return str(record["id"])

    def update_customer(
        self, org: str, customer_id: str, *, _touch: bool = True, **fields: Any
    ) -> None:
        """Change fields; `updatedAt` moves unless `_touch` is false or it is given."""
        stamped = {"updatedAt": stamp(self.clock.now())} if _touch else {}
        self.world[org].put(_present(self.customer(org, customer_id) | stamped | fields))

    def update_statistics(
        self, org: str, customer_id: str, *, _touch: bool = False, **fields: Any
    ) -> None:
        """Change a customer's statistics, which moves no stamp."""
        statistics = (self.customer(org, customer_id).get("statistics") or {}) | fields
        self.update_customer(org, customer_id, _touch=_touch, statistics=statistics)

    def touch(self, org: str, count: int) -> list[str]:
        """Change `count` customers, spread over the account; return their ids."""
        ids = self.customer_ids(org)
        chosen = ids[:: max(1, len(ids) // count)][:count] if count else []
        for place, customer_id in enumerate(chosen):
            self.update_customer(org, customer_id, lastName=f"Renamed-{place}")
        return chosen

    def delete_customer(self, org: str, customer_id: str) -> None:
        """Remove a customer from the account and from every list."""
        raw = self.world[org].remove(customer_id)
        if raw is not None:
            self.world[org].deleted[customer_id] = raw
        for entry in self.world[org].lists.values():
            entry.members.pop(customer_id, None)

    def restore_customer(self, org: str, customer_id: str) -> None:
        """Bring a removed customer back as it was."""
        self.world[org].put(orjson.loads(self.world[org].deleted.pop(customer_id)))

    def hide(self, org: str, customer_ids: Iterable[str]) -> None:
        """Take customers out of what the credential may see."""
        self.world[org].hidden.update(customer_ids)

    def unhide(self, org: str) -> None:
        """Show every customer again."""
        self.world[org].hidden.clear()

    def create_list(
        self, org: str, name: str, members: Sequence[str] = (), *, ours: bool = True
    ) -> str:
        """Add a list; return its id."""
        now = self.clock.now()
        record = {"id": ulid(now, self._random), "name": name, "createdAt": stamp(now)}
        self.world[org].lists[record["id"]] = CustomerList(
            record, ours, dict.fromkeys(members, stamp(now))
        )
        return record["id"]

    def rename_list(self, org: str, list_id: str, name: str) -> None:
        """Give a list another name."""
        self.world[org].lists[list_id].record["name"] = name

    def delete_list(self, org: str, list_id: str) -> None:
        """Remove a list and its memberships."""
        del self.world[org].lists[list_id]

    def add_member(self, org: str, list_id: str, customer_id: str) -> None:
        """Put a customer on a list now, unless it is there already."""
        self.world[org].lists[list_id].members.setdefault(customer_id, stamp(self.clock.now()))

    def remove_member(self, org: str, list_id: str, customer_id: str) -> None:
        """Take a customer off a list."""
        self.world[org].lists[list_id].members.pop(customer_id, None)

    def set_members(self, org: str, list_id: str, customer_ids: Sequence[str]) -> None:
        """Make these the members, those who stay with the time they have."""
        entry, now = self.world[org].lists[list_id], stamp(self.clock.now())
        entry.members = {member: entry.members.get(member, now) for member in customer_ids}


def _present(record: Record) -> Record:
    from simulator.core import MISSING

    return {name: value for name, value in record.items() if value is not MISSING}
