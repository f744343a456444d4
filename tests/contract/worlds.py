"""Each vendor's pretended world in words that all vendors share.

A customer is (tenant, id). What a vendor cannot do, its class says by raising `pytest.skip`.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from simulator import MISSING, Simulator
from simulator.clock import stamp
from sources.throttle import Timing

Customer = tuple[str, str]


class LokeWorld:
    """LOKE: one large organisation, a smaller, an empty one."""

    name = "loke"

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.loke, self.clock = sim, sim.loke, sim.clock
        self.org = self.tenant = sim.loke.organizations[0]
        self.random = random.Random(5)
        self._ahead = timedelta()

    def skew_ours(self, by: timedelta) -> None:
        """Put our clock ahead of the vendor's."""
        self._ahead = by

    @property
    def our_timing(self) -> Timing:
        """Our clock and sleep."""
        return Timing(lambda: self.clock.now() + self._ahead, self.clock.sleep)

    @property
    def ids(self) -> list[str]:
        """Ids of the large organisation's customers."""
        found: list[str] = self.loke.customer_ids(self.org)
        return found

    def members(self, list_id: str) -> list[str]:
        """Return who is on a list."""
        return list(self.loke.member_ids(self.org, list_id))

    def refill(self) -> None:
        """Make sure that the first list there is has a member."""
        lists = self.loke.list_ids(self.org) or [self.loke.create_list(self.org, "Again")]
        if not self.members(lists[0]):
            self.join(lists[0], (self.org, (self.ids or [self.create(None)[1]])[0]))

    def any_customer(self) -> Customer:
        """Return a customer that has stamps."""
        ids = self.loke.customer_ids(self.org)
        stamped = (one for one in ids if self.loke.customer(self.org, one).get("updatedAt"))
        return self.org, next(stamped)

    def rename(self, customer: Customer, name: str) -> None:
        """Change a customer, stamped now."""
        self.loke.update_customer(*customer, lastName=name)

    def create(self, stamped: datetime | None) -> Customer:
        """Add a customer with this change stamp, or with none."""
        at: Any = MISSING if stamped is None else stamp(stamped)
        return self.org, self.loke.create_customer(self.org, updatedAt=at, createdAt=at)

    def change_silently(self, customer: Customer) -> None:
        """Change a customer without moving its stamp."""
        self.loke.update_statistics(*customer, pointsBalance=77, totalSpend=1234)

    def delete(self, customer: Customer) -> None:
        """Remove a customer at the vendor."""
        self.loke.delete_customer(*customer)

    def restore(self, customer: Customer) -> None:
        """Bring a removed customer back as it was."""
        self.loke.restore_customer(*customer)

    def delete_share(self, share: float) -> None:
        """Remove a share of the large tenant's customers."""
        ids = self.loke.customer_ids(self.org)
        for customer_id in ids[: int(len(ids) * share)]:
            self.loke.delete_customer(self.org, customer_id)

    def hide(self, count: int) -> None:
        """Take customers out of what the credential may see."""
        self.loke.hide(self.org, self.loke.customer_ids(self.org)[:count])

    def any_membership(self) -> tuple[str, Customer]:
        """Return a list and a customer on it."""
        list_id = self.loke.list_ids(self.org)[0]
        return list_id, (self.org, self.loke.member_ids(self.org, list_id)[0])

    def leave(self, list_id: str, customer: Customer) -> None:
        """Take a customer off a list."""
        self.loke.remove_member(self.org, list_id, customer[1])

    def join(self, list_id: str, customer: Customer) -> None:
        """Put a customer on a list."""
        self.loke.add_member(self.org, list_id, customer[1])

    def swap_members(self, count: int) -> None:
        """Replace so many members of a list by as many others."""
        list_id = self.loke.list_ids(self.org)[0]
        members = self.loke.member_ids(self.org, list_id)
        others = [one for one in self.loke.customer_ids(self.org) if one not in members]
        self.loke.set_members(self.org, list_id, members[count:] + others[:count])

    def empty_list(self) -> None:
        """Take everybody off the largest list."""
        self.loke.set_members(self.org, self.loke.list_ids(self.org)[0], [])

    def delete_list(self) -> None:
        """Remove the largest list."""
        self.loke.delete_list(self.org, self.loke.list_ids(self.org)[0])

    def spoil(self) -> Customer:
        """Give a customer values that are not what they are declared to be."""
        return self.org, self.loke.create_customer(self.org, dob="31 February", phoneNumber="n/a")

    def change_many(self, start: int, count: int) -> None:
        """Change so many customers of the large tenant, stamped now."""
        for customer_id in self.loke.customer_ids(self.org)[start : start + count]:
            self.loke.update_customer(self.org, customer_id, lastName=f"Changed-{start}")

    def shake(self, *, delete: bool = True) -> None:
        """Change a little of everything; without deletions an increment sees it all."""
        ids = self.loke.customer_ids(self.org)
        for customer_id in self.random.sample(ids, 4):
            self.loke.update_customer(self.org, customer_id, lastName=f"V{self.random.random()}")
        if delete:
            self.loke.delete_customer(self.org, ids[0])
        self.create(self.clock.now())
        self.swap_members(1)


class World:
    """What the three vendors with one tenant for each credential have in common."""

    name = ""

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.clock = sim, sim.clock
        self.vendor: Any = getattr(sim, self.name)
        self.tenant: str = self.vendor.tenants[0]
        self.random = random.Random(5)
        self._ahead = timedelta()

    skew_ours = LokeWorld.skew_ours
    our_timing = LokeWorld.our_timing

    @property
    def ids(self) -> list[str]:
        """Ids of the larger tenant's customers."""
        found: list[str] = self.vendor.customer_ids(self.tenant)
        return found

    def any_customer(self) -> Customer:
        """Return a customer that has stamps where the vendor has any."""
        return self.tenant, self.ids[3]

    def rename(self, customer: Customer, name: str) -> None:
        """Change a customer, stamped now."""
        self.vendor.update_customer(*customer, last_name=name)

    def delete(self, customer: Customer) -> None:
        """Remove a customer at the vendor."""
        self.vendor.delete_customer(*customer)

    def restore(self, customer: Customer) -> None:
        """Bring a removed customer back as it was."""
        self.vendor.restore_customer(*customer)

    def delete_share(self, share: float) -> None:
        """Remove a share of the large tenant's customers, as a shrunken permission would."""
        for customer_id in self.ids[: int(len(self.ids) * share)]:
            self.vendor.delete_customer(self.tenant, customer_id)

    def hide(self, count: int) -> None:
        """Take customers out of what the credential may see."""
        self.vendor.hide(self.tenant, self.ids[:count])

    def change_many(self, start: int, count: int) -> None:
        """Change so many customers of the large tenant, stamped now."""
        for customer_id in self.ids[start : start + count]:
            self.rename((self.tenant, customer_id), f"Changed-{start}")

    def shake(self, *, delete: bool = True) -> None:
        """Change a little of everything; without deletions an increment sees it all."""
        for customer_id in self.random.sample(self.ids, 4):
            self.rename((self.tenant, customer_id), f"V{self.random.random()}")
        if delete:
            self.delete((self.tenant, self.ids[0]))
        self.create(self.clock.now())
        self.swap_members(1)

    def create(self, stamped: datetime | None) -> Customer:
        """Add a customer with this change stamp, or with none."""
        raise NotImplementedError

    def swap_members(self, count: int) -> None:
        """Replace so many members of a list by as many others."""
        list_id = self.a_list()
        on_it = self.members(list_id)
        others = [one for one in self.ids if one not in on_it]
        for customer_id in on_it[:count]:
            self.leave(list_id, (self.tenant, customer_id))
        for customer_id in others[:count]:
            self.join(list_id, (self.tenant, customer_id))

    def any_membership(self) -> tuple[str, Customer]:
        """Return a list and a customer on it."""
        list_id = self.a_list()
        return list_id, (self.tenant, self.members(list_id)[0])

    def empty_list(self) -> None:
        """Take everybody off a list."""
        list_id = self.a_list()
        for customer_id in self.members(list_id):
            self.leave(list_id, (self.tenant, customer_id))

    def refill(self) -> None:
        """Make sure that there is a list with a member."""
        if not any(on for key, on in self._lists().items()):
            customer = self.tenant, (self.ids or [self.create(None)[1]])[0]
            self.join(self.new_list("Again"), customer)

    def new_list(self, name: str) -> str:
        """Return the id of a list that is to be."""
        return name

    def _lists(self) -> dict[Any, Any]:
        members = self.vendor.truth().members
        return {key: on for key, on in members.items() if key[:2] == (self.tenant, self.kind)}

    def a_list(self) -> str:
        """Return the list with most members."""
        kinds = self._lists()
        return str(max(kinds, key=lambda key: len(kinds[key]))[2])

    kind = "tag"

    def members(self, list_id: str) -> list[str]:
        """Return who is on a list."""
        return list(self.vendor.truth().members[self.tenant, self.kind, list_id])

    def leave(self, list_id: str, customer: Customer) -> None:
        """Take a customer off a list."""
        raise NotImplementedError

    def join(self, list_id: str, customer: Customer) -> None:
        """Put a customer on a list."""
        raise NotImplementedError


class CollinsWorld(World):
    """Collins: london and leeds; labels stand for its lists."""

    name, kind = "collins", "label"

    def any_customer(self) -> Customer:
        """Return a customer that has stamps."""
        stamped = (one for one in self.ids if self._record(one).get("last_updated"))
        return self.tenant, next(stamped)

    def _record(self, customer_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.vendor.customer(self.tenant, customer_id)
        return record

    def create(self, stamped: datetime | None) -> Customer:
        at: Any = MISSING if stamped is None else f"{stamped:%Y-%m-%d %H:%M:%S}"
        fields = {"last_updated": at, "created_date": None if stamped is None else at}
        return self.tenant, self.vendor.create_customer(self.tenant, **fields)

    def change_silently(self, customer: Customer) -> None:
        """Change a customer without moving its stamp."""
        self.vendor.update_customer(*customer, notes="by the window", _touch=False)

    def leave(self, list_id: str, customer: Customer) -> None:
        held = [one for one in self._record(customer[1]).get("labels") or () if one != list_id]
        self.vendor.set_labels(*customer, held)

    def join(self, list_id: str, customer: Customer) -> None:
        held = self._record(customer[1]).get("labels") or []
        self.vendor.set_labels(*customer, [*held, list_id])

    def delete_list(self) -> None:
        """Give everybody who has a label another one instead."""
        self.vendor.rename_label(self.tenant, self.a_list(), "Something else", _touch=True)

    def spoil(self) -> Customer:
        """Give a customer values that are not what they are declared to be."""
        fields = {"dob": "31 February", "phone": "n/a"}
        return self.tenant, self.vendor.create_customer(self.tenant, **fields)


class KountaWorld(World):
    """Kounta: companies 5678 and 5679."""

    name = "kounta"

    def create(self, stamped: datetime | None) -> Customer:
        return self.tenant, self.vendor.create_customer(self.tenant)

    def change_silently(self, customer: Customer) -> None:
        """Change what the list does not show."""
        self.vendor.update_customer(*customer, accepts_marketing=True, description="by the window")

    def _tags(self, customer_id: str) -> list[str]:
        return list(self.vendor.customer(self.tenant, customer_id).get("tags") or ())

    def leave(self, list_id: str, customer: Customer) -> None:
        held = [one for one in self._tags(customer[1]) if one != list_id]
        self.vendor.set_tags(*customer, held)
        self._show(customer)

    def join(self, list_id: str, customer: Customer) -> None:
        self.vendor.set_tags(*customer, [*self._tags(customer[1]), list_id])
        self._show(customer)

    def _show(self, customer: Customer) -> None:
        """Change the abridged record too: a tag alone waits for the customer's turn."""
        self.rename(customer, f"Tagged-{self.random.random()}")

    def delete_list(self) -> None:
        """Give everybody who has a tag another one instead."""
        tag = self.a_list()
        on_it = self.members(tag)
        self.vendor.rename_tag(self.tenant, tag, "Something else")
        for customer_id in on_it:
            self._show((self.tenant, customer_id))

    def spoil(self) -> Customer:
        """Give a customer values that are not what they are declared to be."""
        fields = {"accepts_marketing": "perhaps", "mobile": "n/a", "phone": None}
        return self.tenant, self.vendor.create_customer(self.tenant, **fields)


class FoodicsWorld(World):
    """Foodics: two businesses."""

    name = "foodics"

    def rename(self, customer: Customer, name: str) -> None:
        self.vendor.update_customer(*customer, name=name)

    def create(self, stamped: datetime | None) -> Customer:
        at = None if stamped is None else f"{stamped:%Y-%m-%d %H:%M:%S}"
        fields = {"updated_at": at, "created_at": at}
        return self.tenant, self.vendor.create_customer(self.tenant, **fields)

    def change_silently(self, customer: Customer) -> None:
        """Change a customer without moving its stamp."""
        self.vendor.order(*customer)

    def leave(self, list_id: str, customer: Customer) -> None:
        self.vendor.detach(self.tenant, list_id, customer[1])

    def join(self, list_id: str, customer: Customer) -> None:
        self.vendor.attach(self.tenant, list_id, customer[1])

    def new_list(self, name: str) -> str:
        return str(self.vendor.create_tag(self.tenant, name))

    def swap_members(self, count: int) -> None:
        """Swap members with their stamps moving: an equal count would hide it until a full scan."""
        list_id = self.a_list()
        on_it = self.members(list_id)
        others = [one for one in self.ids if one not in on_it]
        for customer_id in on_it[:count]:
            self.vendor.detach(self.tenant, list_id, customer_id, _touch=True)
        for customer_id in others[:count]:
            self.vendor.attach(self.tenant, list_id, customer_id, _touch=True)

    def delete_share(self, share: float) -> None:
        """Erase a share of the customers: a deleted one is told of, and believed."""
        for customer_id in self.ids[: int(len(self.ids) * share)]:
            self.vendor.erase_customer(self.tenant, customer_id)

    def delete_list(self) -> None:
        """Delete the largest tag."""
        self.vendor.delete_tag(self.tenant, self.a_list())

    def spoil(self) -> Customer:
        """Give a customer values that are not what they are declared to be."""
        fields = {"birth_date": "31 February", "phone": "n/a", "dial_code": None}
        return self.tenant, self.vendor.create_customer(self.tenant, **fields)


WORLDS = {
    "loke": LokeWorld,
    "collins": CollinsWorld,
    "kounta": KountaWorld,
    "foodics": FoodicsWorld,
}
