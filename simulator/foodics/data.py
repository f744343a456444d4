"""The hands that change Foodics' customers from outside its API, as staff and tills would."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast

import orjson

from simulator.clock import Clock
from simulator.foodics.build import Ids, build, stamp
from simulator.foodics.switches import FoodicsSwitches, Record
from simulator.foodics.world import Business
from simulator.messages import MISSING
from simulator.people import People

Method = TypeVar("Method", bound=Callable[..., Any])
_INCLUDES = ("tags", "addresses", "addresses.delivery_zone")


def alone(method: Method) -> Method:
    """Let a method change the world while no request is being answered."""

    @wraps(method)
    def locked(self: Data, *args: Any, **named: Any) -> Any:
        with self.lock:
            return method(self, *args, **named)

    return cast("Method", locked)


class Data:
    """Foodics' world and the ways to change its customers.

    Every id is text, every stamp the vendor's clock.
    """

    def __init__(
        self,
        clock: Clock,
        lock: threading.RLock,
        switches: FoodicsSwitches,
        *,
        customers: int,
        seed: int,
        **world: Any,
    ) -> None:
        self.clock, self.lock, self.switches = clock, lock, switches
        self._random = random.Random(seed)
        self._touches = 0
        self.ids = Ids(self._random)
        self.world = build(
            self._random, clock.now(), ids=self.ids, customers=customers, seed=seed,
            id_form=switches.id_form, **world,
        )  # fmt: skip

    @property
    def tenants(self) -> list[str]:
        """Ids of the businesses."""
        return list(self.world)

    def customer_ids(self, tenant: str) -> list[str]:
        """Ids of a business's living customers, those we may not see too."""
        return self.world[tenant].living()

    def deleted_ids(self, tenant: str) -> list[str]:
        """Ids of a business's soft-deleted customers."""
        business = self.world[tenant]
        return [one for one in business.customers if one in business.deleted]

    def customer(self, tenant: str, customer_id: str) -> Record:
        """Return a customer's record with its tags and addresses, soft-deleted ones too."""
        return self.full(self.world[tenant], customer_id, FoodicsSwitches())

    def full(self, business: Business, customer_id: str, switches: FoodicsSwitches) -> Record:
        """Return a customer's record with all that can be included."""
        return dict(orjson.loads(business.json(customer_id, _INCLUDES, switches)))

    def now(self) -> str:
        """Return the vendor's time as it stamps records."""
        return stamp(self.clock.now())

    @alone
    def create_customer(self, tenant: str, **fields: Any) -> str:
        """Add a customer, stamped now unless the fields say otherwise; return its id.

        A value of MISSING leaves the key out, None sends null. `tags` are ids, `addresses` records.
        """
        now = self.now()
        record = {
            "id": self.ids.new(self.switches.id_form), "name": "Ilo Tan", "dial_code": 61,
            "phone": "491570006", "email": None, "gender": None, "birth_date": None, "notes": None,
            "house_account_limit": None, "house_account_balance": 0, "loyalty_balance": 0,
            "is_loyalty_enabled": 1, "is_blacklisted": False, "is_house_account_enabled": False,
            "last_order_at": None, "order_count": 0, "created_at": now, "updated_at": now,
            "deleted_at": None,
        }  # fmt: skip
        self._put(tenant, record, fields)
        return str(fields.get("id", record["id"]))

    @alone
    def update_customer(
        self, tenant: str, customer_id: str, *, _touch: bool = True, **fields: Any
    ) -> None:
        """Change fields of a customer; `updated_at` moves unless `_touch` is false or it is given.

        A value of MISSING takes the key away, None sends null. `tags` are ids, `addresses` records.
        """
        stamped = {"updated_at": self.now()} if _touch else {}
        self._put(tenant, self.world[tenant].customer(customer_id) | stamped, fields)

    def _put(self, tenant: str, record: Record, fields: Mapping[str, Any]) -> None:
        business, own = self.world[tenant], dict(fields)
        tags, addresses = own.pop("tags", None), own.pop("addresses", None)
        record |= own
        if tags is not None:
            self._wear(business, record["id"], tags)
        if addresses is not None:
            self._house(business, record["id"], addresses)
        if isinstance(record.get("is_loyalty_enabled"), bool):
            record["is_loyalty_enabled"] = int(record["is_loyalty_enabled"])
        business.put({name: value for name, value in record.items() if value is not MISSING})

    def _wear(self, business: Business, customer_id: str, tags: Sequence[str]) -> None:
        """Give a customer these tags and no others; KeyError where there is no such tag."""
        for tag in tags:
            business.tags[tag]["id"]
        business.tags_of[customer_id] = tuple(dict.fromkeys(tags))
        if not tags:
            del business.tags_of[customer_id]
        business.changed()

    def _house(self, business: Business, customer_id: str, addresses: Sequence[Record]) -> None:
        """Give a customer these addresses and no others; the others end now."""
        now, made = self.now(), []
        zone = next(iter(business.zones.values()))
        for given in addresses:
            usual = {
                "id": self.ids.new(self.switches.id_form), "name": "Home",
                "description": "Street 1", "latitude": "24.7136", "longitude": "46.6753",
                "created_at": now, "updated_at": now, "deleted_at": None,
                "delivery_zone": {"id": zone["id"], "name": zone["name"]},
            }  # fmt: skip
            record = usual | given
            made.append({name: value for name, value in record.items() if value is not MISSING})
        staying = {address["id"] for address in made}
        for former in orjson.loads(business.addresses_of.get(customer_id, b"[]")):
            if former["id"] not in staying:
                former |= {"customer": {"id": customer_id}, "updated_at": now, "deleted_at": now}
                business.former_addresses.append(former)
        business.addresses_of[customer_id] = orjson.dumps(made)
        business.changed()

    @alone
    def touch(self, tenant: str, count: int) -> list[str]:
        """Change the name or the blacklisting of `count` customers, spread over the business.

        Each call starts one further on, so that repeated calls change others. Return their ids.
        """
        ids, people = self.customer_ids(tenant), People(self._random)
        step = max(1, len(ids) // count) if count else 1
        start = self._touches % step
        chosen = ids[start::step][:count] if count else []
        self._touches += 1
        records, now = [], self.now()
        for place, customer_id in enumerate(chosen):
            record = self.world[tenant].customer(customer_id)
            if place % 2:
                record["is_blacklisted"] = not record.get("is_blacklisted")
            else:
                name = people.name()
                record["name"] = f"{name.first} {name.last} {self._touches}"
            records.append(record | {"updated_at": now})
        self.world[tenant].put(*records)
        return chosen

    @alone
    def bulk_stamp(self, tenant: str, customer_ids: Iterable[str], stamped: datetime) -> None:
        """Give customers one and the same `updated_at`, as a bulk import does."""
        business, moment = self.world[tenant], stamp(stamped)
        business.put(*(business.customer(one) | {"updated_at": moment} for one in customer_ids))

    @alone
    def order(self, tenant: str, customer_id: str, *, _touch: bool = False) -> None:
        """Let a customer order now; the count and the time move, `updated_at` only if told."""
        count = self.world[tenant].customer(customer_id).get("order_count") or 0
        self.update_customer(
            tenant, customer_id, _touch=_touch, order_count=count + 1, last_order_at=self.now()
        )

    @alone
    def delete_customer(self, tenant: str, customer_id: str) -> None:
        """Soft-delete a customer, unless it is deleted or gone already."""
        business = self.world[tenant]
        if customer_id in business.customers and customer_id not in business.deleted:
            touches = self.switches.delete_touches
            self.update_customer(tenant, customer_id, _touch=touches, deleted_at=self.now())

    @alone
    def restore_customer(self, tenant: str, customer_id: str) -> None:
        """Bring a soft-deleted customer back as it was, tags and addresses too.

        Raises:
            KeyError: there is no such deleted customer.
        """
        if customer_id not in self.world[tenant].deleted:
            raise KeyError(customer_id)
        touches = self.switches.restore_touches
        self.update_customer(tenant, customer_id, _touch=touches, deleted_at=None)

    @alone
    def erase_customer(self, tenant: str, customer_id: str) -> None:
        """Remove a customer altogether, so that no list and no answer has it."""
        self.world[tenant].remove(customer_id)

    @alone
    def hide(self, tenant: str, customer_ids: Iterable[str]) -> None:
        """Take customers, further to those taken before, out of what the credential may see."""
        self.world[tenant].show(self.world[tenant].hidden.union(customer_ids))

    @alone
    def unhide(self, tenant: str) -> None:
        """Show every customer again."""
        self.world[tenant].show(())
