"""Collins's world as it is when the clock starts: people, gaps and all, the same for a seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from simulator.collins.crowd import Crowd
from simulator.collins.stamps import written
from simulator.collins.switches import Record
from simulator.collins.world import Account

TENANTS = (("london", 0.85), ("leeds", 0.15))
_VENUES = {
    "london": ("The Quill & Lantern", "Moss Lane Social", "Pike's Yard", "The Old Boiler Room"),
    # A venue may have no title yet.
    "leeds": ("Canal Dock Taproom", "The Loom", None, "Bramble & Rye"),
}
_STATUSES = ("public", "public", "private", "inactive")
_PREFERENCES = (
    ("Email", "News and offers by e-mail"),
    ("SMS", "Offers over SMS"),
    ("Post", "The printed brochure, no longer sent"),
)


def build(chance: random.Random, now: datetime, *, customers: int, seed: int) -> dict[str, Account]:
    """Return accounts that hold so many customers in all, 85 % of them in the first.

    Args:
        chance: what everything is drawn from.
        now: when the clock starts; nothing is younger.
        customers: how many.
        seed: orders ties.
    """
    world, left = {}, customers
    for place, (tenant, share) in enumerate(TENANTS):
        account = world[tenant] = _premises(tenant, chance, now, seed)
        count = left if place else round(customers * share)
        left -= count
        crowd = Crowd(chance, now, account)
        account.customers = dict(crowd.customer() for _ in range(count))
    return world


def mongo_id(moment: datetime, chance: random.Random) -> str:
    """Return 24 hexadecimal digits, the first eight of them the moment."""
    return f"{int(moment.timestamp()):08x}{chance.getrandbits(64):016x}"


def venue_record(
    venue_id: str, title: str | None, group: str, made: datetime, status: str = "public"
) -> Record:
    """Return a venue."""
    return {
        "id": venue_id, "title": title, "venue_group": group,
        "manage_own_bookings": status != "private", "status": status,
        "store_code": f"T{venue_id[-3:].upper()}",
        "address": {
            "building_name": "", "street": "1 Test Row", "city": "Testville",
            "postcode": "ZZ99 9ZZ",
        },
        "tags": [], "created_date": written(made), "last_updated": written(made),
    }  # fmt: skip


def _premises(tenant: str, chance: random.Random, now: datetime, seed: int) -> Account:
    """Return an account with a group, venues and preferences; the last preference is retired."""
    opened = now - timedelta(days=2600)
    account = Account(tenant, seed, mongo_id(opened, chance))
    for name, description in _PREFERENCES:
        preference_id = mongo_id(opened, chance)
        account.preferences[preference_id] = {
            "id": preference_id, "name": name, "description": description,
            "created_date": written(opened),
        }  # fmt: skip
    for place, (title, status) in enumerate(zip(_VENUES[tenant], _STATUSES, strict=True)):
        made = opened + timedelta(days=90 * place)
        venue_id = mongo_id(made, chance)
        account.venues[venue_id] = venue_record(venue_id, title, account.group, made, status)
        account.active[venue_id] = list(account.preferences)[: 1 if place == 1 else 2]
    return account
