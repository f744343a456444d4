"""The hands that change Kounta's world from outside its API, as its staff and its tills would."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import count
from typing import Any, TypeVar, cast

import orjson

from simulator.clock import Clock
from simulator.kounta.build import FIRST_ID, build
from simulator.kounta.switches import ADDRESSES, KountaSwitches, Record
from simulator.messages import MISSING
from simulator.people import People

Method = TypeVar("Method", bound=Callable[..., Any])

_ADDRESS_FIRST = 5_000_001


def _alone(method: Method) -> Method:
    """Let a method change the world while no request is being answered."""

    @wraps(method)
    def locked(self: Data, *args: Any, **named: Any) -> Any:
        with self.lock:
            return method(self, *args, **named)

    return cast("Method", locked)


class Data:
    """Kounta's world and the ways to change it. Every id is text; there is no stamp to move."""

    def __init__(
        self,
        clock: Clock,
        lock: threading.RLock,
        switches: KountaSwitches,
        *,
        customers: int,
        seed: int,
        **world: Any,
    ) -> None:
        self.clock, self.lock, self.switches = clock, lock, switches
        self._random = random.Random(seed)
        self._touches = 0
        self.world = build(self._random, clock.now(), customers=customers, **world)
        taken = [max(company.heads, default=FIRST_ID - 1) for company in self.world.values()]
        self._ids, self._address_ids = count(max(taken) + 1), count(_ADDRESS_FIRST)

    @property
    def tenants(self) -> list[str]:
        """Ids of the companies."""
        return list(self.world)

    def customer_ids(self, tenant: str) -> list[str]:
        """Ids of a company's customers, those we may not see too."""
        return [str(customer_id) for customer_id in self.world[tenant].heads]

    def customer(self, tenant: str, customer_id: str) -> Record:
        """Return a customer's record as it is kept: whole, without the stamps of an answer."""
        return self.world[tenant].record(int(customer_id))

    @_alone
    def create_customer(self, tenant: str, **fields: Any) -> str:
        """Add a customer; return its id, which is above all others.

        A value of MISSING leaves the key out, None sends null.
        """
        customer_id = int(fields.pop("id", None) or next(self._ids))
        email = fields.get("primary_email_address", f"ilo.tan.{customer_id}@example.com")
        record = {
            "id": customer_id, "company_id": int(tenant), "first_name": "Ilo", "last_name": "Tan",
            "primary_email_address": email, "image": None, "reference_id": "",
            "people_id": 100_100 + customer_id, "description": None,
            "email_addresses": [email] if isinstance(email, str) else [], "phone": None,
            "mobile": None, "fax": None, "shipping_address": None, "primary_address": None,
            "tags": [], "accepts_marketing": None,
        } | fields  # fmt: skip
        self.world[tenant].put(_present(record))
        return str(customer_id)

    @_alone
    def update_customer(
        self, tenant: str, customer_id: str, *, _touch: bool = True, **fields: Any
    ) -> None:
        """Change fields of a customer; no stamp moves, whatever `_touch` says.

        A value of MISSING takes the key away, None sends null.
        """
        self.world[tenant].put(_present(self.customer(tenant, customer_id) | fields))

    @_alone
    def set_tags(self, tenant: str, customer_id: str, tags: Sequence[str]) -> None:
        """Make these a customer's tags."""
        self.update_customer(tenant, customer_id, tags=list(tags))

    @_alone
    def rename_tag(self, tenant: str, old: str, new: str) -> None:
        """Give a tag another name wherever it is; who has both keeps one."""
        company, needle = self.world[tenant], orjson.dumps(old)
        for customer_id, rest in list(company.rests.items()):
            if needle in rest:
                record = company.record(customer_id)
                tags = [new if tag == old else tag for tag in record.get("tags") or ()]
                company.put(record | {"tags": list(dict.fromkeys(tags))})

    @_alone
    def set_address(
        self,
        tenant: str,
        customer_id: str,
        which: str = "shipping_address",
        address: Record | None = None,
    ) -> None:
        """Make this a customer's address, with an id unless it has one; None takes it away.

        Raises:
            KeyError: it is neither `shipping_address` nor `primary_address`.
        """
        if which not in ADDRESSES:
            raise KeyError(which)
        if address is not None:
            address = {"id": next(self._address_ids)} | address
        changed: Record = {which: address}
        self.update_customer(tenant, customer_id, **changed)

    @_alone
    def touch(self, tenant: str, count: int) -> list[str]:
        """Change the last name or the consent of `count` customers, spread over the account.

        Each call starts one further on, so that repeated calls change others. Return their ids.
        Consent is not in the list: every second change shows only in the whole record.
        """
        ids, people = self.customer_ids(tenant), People(self._random)
        step = max(1, len(ids) // count) if count else 1
        start = self._touches % step
        chosen = ids[start::step][:count] if count else []
        self._touches += 1
        for place, customer_id in enumerate(chosen):
            record = self.customer(tenant, customer_id)
            if place % 2:
                record["accepts_marketing"] = not record.get("accepts_marketing")
            else:
                record["last_name"] = f"{people.name().last} {self._touches}"
            self.world[tenant].put(record)
        return chosen

    @_alone
    def delete_customer(self, tenant: str, customer_id: str) -> None:
        """Remove a customer from the account."""
        self.world[tenant].remove(int(customer_id))

    @_alone
    def restore_customer(self, tenant: str, customer_id: str) -> None:
        """Bring a removed customer back as it was."""
        company = self.world[tenant]
        company.keep(int(customer_id), company.deleted.pop(int(customer_id)))

    @_alone
    def hide(self, tenant: str, customer_ids: Iterable[str]) -> None:
        """Take customers, further to those taken before, out of what the credential may see."""
        self.world[tenant].show(self.world[tenant].hidden.union(map(int, customer_ids)))

    @_alone
    def unhide(self, tenant: str) -> None:
        """Show every customer again."""
        self.world[tenant].show(())


def _present(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not MISSING}
