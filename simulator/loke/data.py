"""The hands that change LOKE's world from outside its API, as its staff and its tills would."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import orjson

from simulator.clock import Clock, stamp, stamp_ms
from simulator.loke.build import build
from simulator.loke.switches import LokeSwitches, Record
from simulator.loke.world import CustomerList
from simulator.messages import MISSING
from simulator.people import People, ulid

Method = TypeVar("Method", bound=Callable[..., Any])


def _alone(method: Method) -> Method:
    """Let a method change the world while no request is being answered."""

    @wraps(method)
    def locked(self: Data, *args: Any, **named: Any) -> Any:
        with self.lock:
            return method(self, *args, **named)

    return cast("Method", locked)


class Data:
    """LOKE's world and the ways to change it. Every id is text, every stamp the vendor's clock."""

    def __init__(
        self,
        clock: Clock,
        lock: threading.RLock,
        switches: LokeSwitches,
        *,
        customers: int,
        seed: int,
        **world: Any,
    ) -> None:
        self.clock, self.lock, self.switches = clock, lock, switches
        self._random = random.Random(seed)
        self._touches = 0
        self.world = build(self._random, clock.now(), customers=customers, seed=seed, **world)

    @property
    def organizations(self) -> list[str]:
        """Ids of the organisations."""
        return list(self.world)

    def customer_ids(self, org: str) -> list[str]:
        """Ids of an organisation's customers, those we may not see too."""
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

    def _now(self) -> str:
        now = self.clock.now()
        return stamp_ms(now) if self.switches.stamps_ms else stamp(now)

    @_alone
    def create_customer(self, org: str, **fields: Any) -> str:
        """Add a customer, stamped now unless the fields say otherwise; return its id.

        A value of MISSING leaves the key out, None sends null.
        """
        now = self._now()
        record = {
            "id": ulid(self.clock.now(), self._random), "firstName": "Ilo", "lastName": "Tan",
            "createdAt": now, "updatedAt": now,
        } | fields  # fmt: skip
        self.world[org].put(_present(record))
        return str(record["id"])

    @_alone
    def update_customer(
        self, org: str, customer_id: str, *, _touch: bool = True, **fields: Any
    ) -> None:
        """Change fields of a customer; `updatedAt` moves unless `_touch` is false or it is given.

        A value of MISSING takes the key away, None sends null.
        """
        stamped = {"updatedAt": self._now()} if _touch else {}
        self.world[org].put(_present(self.customer(org, customer_id) | stamped | fields))

    @_alone
    def update_statistics(
        self, org: str, customer_id: str, *, _touch: bool = False, **fields: Any
    ) -> None:
        """Change a customer's statistics, which moves no stamp."""
        statistics = (self.customer(org, customer_id).get("statistics") or {}) | fields
        self.update_customer(org, customer_id, _touch=_touch, statistics=_present(statistics))

    @_alone
    def touch(self, org: str, count: int) -> list[str]:
        """Change the last name or the consent of `count` customers, spread over the account.

        Each call starts one further on, so that repeated calls change others. Return their ids.
        """
        ids, people = self.customer_ids(org), People(self._random)
        step = max(1, len(ids) // count) if count else 1
        start = self._touches % step
        chosen = ids[start::step][:count] if count else []
        self._touches += 1
        records, now = [], self._now()
        for place, customer_id in enumerate(chosen):
            record = self.customer(org, customer_id)
            if place % 2:
                record["hasAgreedToMarketing"] = not record.get("hasAgreedToMarketing")
            else:
                record["lastName"] = f"{people.name().last} {self._touches}"
            records.append(record | {"updatedAt": now})
        self.world[org].put(*records)
        return chosen

    @_alone
    def delete_customer(self, org: str, customer_id: str) -> None:
        """Remove a customer from the account and from every list."""
        raw = self.world[org].remove(customer_id)
        if raw is not None:
            self.world[org].deleted[customer_id] = raw
        for list_id, entry in self.world[org].lists.items():
            if entry.members.pop(customer_id, None):
                self.world[org].changed(list_id)

    @_alone
    def restore_customer(self, org: str, customer_id: str) -> None:
        """Bring a removed customer back as it was, on no list."""
        self.world[org].put(orjson.loads(self.world[org].deleted.pop(customer_id)))

    @_alone
    def hide(self, org: str, customer_ids: Iterable[str]) -> None:
        """Take customers, further to those taken before, out of what the credential may see."""
        self.world[org].show(self.world[org].hidden.union(customer_ids))

    @_alone
    def unhide(self, org: str) -> None:
        """Show every customer again."""
        self.world[org].show(())

    @_alone
    def create_list(
        self, org: str, name: str, members: Sequence[str] = (), *, ours: bool = True
    ) -> str:
        """Add a list, made by this client or by another; return its id."""
        now = self.clock.now()
        record = {"id": ulid(now, self._random), "name": name, "createdAt": stamp(now)}
        on_it = dict.fromkeys(members, stamp(now))
        self.world[org].lists[record["id"]] = CustomerList(record, ours, on_it)
        return record["id"]

    @_alone
    def rename_list(self, org: str, list_id: str, name: str) -> None:
        """Give a list another name."""
        self.world[org].lists[list_id].record["name"] = name

    @_alone
    def delete_list(self, org: str, list_id: str) -> None:
        """Remove a list and its memberships."""
        del self.world[org].lists[list_id]

    @_alone
    def add_member(self, org: str, list_id: str, customer_id: str) -> None:
        """Put a customer on a list now, unless it is there already."""
        now = stamp(self.clock.now())
        self.world[org].lists[list_id].members.setdefault(customer_id, now)
        self.world[org].changed(list_id)

    @_alone
    def remove_member(self, org: str, list_id: str, customer_id: str) -> None:
        """Take a customer off a list."""
        self.world[org].lists[list_id].members.pop(customer_id, None)
        self.world[org].changed(list_id)

    @_alone
    def set_members(self, org: str, list_id: str, customer_ids: Sequence[str]) -> None:
        """Make these the members, those who stay with the time they have."""
        entry, now = self.world[org].lists[list_id], stamp(self.clock.now())
        entry.members = {member: entry.members.get(member, now) for member in customer_ids}
        self.world[org].changed(list_id)

    @_alone
    def rotate_members(self, org: str, count: int) -> int:
        """Let `count` members leave every list and as many others join it; return how many moved.

        Lists that everybody is on lose members only.
        """
        ids, now, moved = self.customer_ids(org), stamp(self.clock.now()), 0
        for list_id, entry in self.world[org].lists.items():
            leaving = list(entry.members)[:count]
            others = [one for one in ids if one not in entry.members]
            joining = self._random.sample(others, min(len(leaving), len(others)))
            for member in leaving:
                del entry.members[member]
            entry.members |= dict.fromkeys(joining, now)
            self.world[org].changed(list_id)
            moved += len(leaving) + len(joining)
        return moved


def _present(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not MISSING}
