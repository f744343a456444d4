"""The hands that change Collins's world from outside its API, as the staff of its venues would."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import orjson

from simulator.clock import Clock
from simulator.collins.build import build, mongo_id, venue_record
from simulator.collins.stamps import written
from simulator.collins.switches import CollinsSwitches, Record
from simulator.messages import MISSING
from simulator.people import People

Method = TypeVar("Method", bound=Callable[..., Any])


def _alone(method: Method) -> Method:
    """Let a method change the world while no request is being answered."""

    @wraps(method)
    def locked(self: Data, *args: Any, **named: Any) -> Any:
        with self.lock:
            return method(self, *args, **named)

    return cast("Method", locked)


class Data:
    """Collins's world and the ways to change it.

    Every id is text; every stamp is the vendor's clock, kept in UTC whatever zone it is sent in.
    A field's value of MISSING leaves the key out, None sends null.
    """

    def __init__(
        self,
        clock: Clock,
        lock: threading.RLock,
        switches: CollinsSwitches,
        *,
        customers: int,
        seed: int,
    ) -> None:
        self.clock, self.lock, self.switches = clock, lock, switches
        self._random = random.Random(seed)
        self._touches = 0
        self.world = build(self._random, clock.now(), customers=customers, seed=seed)

    @property
    def tenants(self) -> list[str]:
        """Names of the accounts."""
        return list(self.world)

    def customer_ids(self, tenant: str) -> list[str]:
        """Ids of an account's customers, those we may not see too."""
        return list(self.world[tenant].customers)

    def venue_ids(self, tenant: str) -> list[str]:
        """Ids of an account's venues."""
        return list(self.world[tenant].venues)

    def preference_ids(self, tenant: str) -> list[str]:
        """Ids of an account's marketing preferences, the retired ones too."""
        return list(self.world[tenant].preferences)

    def customer(self, tenant: str, customer_id: str) -> Record:
        """Return a customer's record as it is kept."""
        record: Record = orjson.loads(self.world[tenant].customers[customer_id])
        return record

    def _now(self) -> str:
        return written(self.clock.now())

    @_alone
    def create_customer(self, tenant: str, **fields: Any) -> str:
        """Add a customer, stamped now unless the fields say otherwise; return its id."""
        now, account = self._now(), self.world[tenant]
        record = {
            "id": mongo_id(self.clock.now(), self._random), "first_name": "Ilo",
            "last_name": "Tan", "associated_venues": list(account.venues)[:1],
            "marketing_preferences": [], "bookings": [], "labels": [], "created_date": now,
            "last_updated": now,
        } | fields  # fmt: skip
        account.put(_present(record))
        return str(record["id"])

    @_alone
    def update_customer(
        self, tenant: str, customer_id: str, *, _touch: bool = True, **fields: Any
    ) -> None:
        """Change fields; `last_updated` moves unless `_touch` is false or it is given."""
        stamped = {"last_updated": self._now()} if _touch else {}
        self.world[tenant].put(_present(self.customer(tenant, customer_id) | stamped | fields))

    @_alone
    def touch(self, tenant: str, count: int) -> list[str]:
        """Change a name of `count` customers, spread over the account.

        Each call starts one further on, so that repeated calls change others. Return their ids.
        """
        ids, people = self.customer_ids(tenant), People(self._random)
        step = max(1, len(ids) // count) if count else 1
        start = self._touches % step
        chosen = ids[start::step][:count] if count else []
        self._touches += 1
        records, now = [], self._now()
        for place, customer_id in enumerate(chosen):
            name, field = people.name(), ("last_name", "first_name")[place % 2]
            changed = {field: f"{name.last} {self._touches}", "last_updated": now}
            records.append(self.customer(tenant, customer_id) | changed)
        self.world[tenant].put(*records)
        return chosen

    @_alone
    def delete_customer(self, tenant: str, customer_id: str) -> None:
        """Remove a customer from the account."""
        raw = self.world[tenant].remove(customer_id)
        if raw is not None:
            self.world[tenant].deleted[customer_id] = raw

    @_alone
    def restore_customer(self, tenant: str, customer_id: str) -> None:
        """Bring a removed customer back as it was."""
        self.world[tenant].put(orjson.loads(self.world[tenant].deleted.pop(customer_id)))

    @_alone
    def hide(self, tenant: str, customer_ids: Iterable[str]) -> None:
        """Take customers, further to those taken before, out of what the token may see."""
        self.world[tenant].show(self.world[tenant].hidden.union(customer_ids))

    @_alone
    def unhide(self, tenant: str) -> None:
        """Show every customer again."""
        self.world[tenant].show(())

    def set_labels(
        self, tenant: str, customer_id: str, labels: Sequence[str], *, _touch: bool = True
    ) -> None:
        """Make these a customer's labels."""
        self.update_customer(tenant, customer_id, _touch=_touch, labels=list(labels))

    def set_venues(
        self, tenant: str, customer_id: str, venue_ids: Sequence[str], *, _touch: bool = True
    ) -> None:
        """Make these a customer's venues."""
        self.update_customer(tenant, customer_id, _touch=_touch, associated_venues=list(venue_ids))

    @_alone
    def set_preference(
        self,
        tenant: str,
        customer_id: str,
        preference_id: str,
        opted_in: bool,  # noqa: FBT001
        *,
        _touch: bool = True,
    ) -> None:
        """Opt a customer in or out now; moves the stamp if `consent_touches` has it so."""
        held = self.customer(tenant, customer_id).get("marketing_preferences") or []
        by_id = {one["id"]: one for one in held}
        now, before = self._now(), by_id.get(preference_id, {})
        said = (now, None) if opted_in else (before.get("opt_in_date"), now)
        by_id[preference_id] = {
            "id": preference_id, "opt_in_date": said[0], "opt_out_date": said[1],
            "opted_in": opted_in,
        }  # fmt: skip
        self.update_customer(
            tenant, customer_id, _touch=_touch and self.switches.consent_touches,
            marketing_preferences=list(by_id.values()),
        )  # fmt: skip

    @_alone
    def add_booking(
        self, tenant: str, customer_id: str, *, _touch: bool = False, **fields: Any
    ) -> str:
        """Add a booking, for now unless `date` is given; return its id.

        The stamp moves if `_touch` or the switch `booking_touches` has it so.
        """
        booking = {
            "id": mongo_id(self.clock.now(), self._random), "date": self._now(),
            "venue_id": self.venue_ids(tenant)[0], "num_people": 2, "status": "new",
        } | fields  # fmt: skip
        held = self.customer(tenant, customer_id).get("bookings") or []
        self.update_customer(
            tenant, customer_id, _touch=_touch or self.switches.booking_touches,
            bookings=[*held, _present(booking)],
        )  # fmt: skip
        return str(booking["id"])

    @_alone
    def rename_label(self, tenant: str, old: str, new: str, *, _touch: bool = False) -> None:
        """Write a label otherwise on every customer that has it."""
        now, needle, records = self._now(), orjson.dumps(old), []
        for raw in self.world[tenant].customers.values():
            record = orjson.loads(raw) if needle in raw else {}
            if old not in (record.get("labels") or ()):
                continue
            labels = [new if one == old else one for one in record["labels"]]
            record["labels"] = list(dict.fromkeys(labels))
            records.append(record | ({"last_updated": now} if _touch else {}))
        self.world[tenant].put(*records)

    @_alone
    def add_venue(self, tenant: str, title: str | None, **fields: Any) -> str:
        """Open a venue of the account's group, with every preference in use; return its id."""
        account, now = self.world[tenant], self.clock.now()
        venue_id = mongo_id(now, self._random)
        record = venue_record(venue_id, title, account.group, now)
        account.venues[venue_id] = _present(record | fields)
        used = {one for active in account.active.values() for one in active}
        account.active[venue_id] = [one for one in account.preferences if one in used]
        return venue_id

    @_alone
    def rename_venue(self, tenant: str, venue_id: str, title: str | None) -> None:
        """Give a venue another title."""
        self.world[tenant].venues[venue_id] |= {"title": title, "last_updated": self._now()}

    @_alone
    def retire_preference(self, tenant: str, preference_id: str) -> None:
        """Take a preference out of use at every venue; customers and the group keep it."""
        account = self.world[tenant]
        kept = [one for one in account.preferences if one != preference_id]
        if len(kept) == len(account.preferences):
            raise KeyError(preference_id)
        for venue_id, active in account.active.items():
            account.active[venue_id] = [one for one in active if one in kept]


def _present(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not MISSING}
