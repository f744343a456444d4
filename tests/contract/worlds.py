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

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.loke, self.clock = sim, sim.loke, sim.clock
        self.org = sim.loke.organizations[0]
        self.random = random.Random(5)
        self._ahead = timedelta()

    def skew_ours(self, by: timedelta) -> None:
        """Put our clock ahead of the vendor's."""
        self._ahead = by

    @property
    def our_timing(self) -> Timing:
        """Our clock and sleep."""
        return Timing(lambda: self.clock.now() + self._ahead, self.clock.sleep)

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


WORLDS = {"loke": LokeWorld}
