"""A guest of every vendor of the test's world, whose every trace can be looked for."""

from __future__ import annotations

import pytest

from simulator import story

CANARY = "canary.7f3a"


@pytest.fixture
def guest(sim, monkeypatch):
    """Tenant and id, by vendor, of one who is on lists, with an address and something to reject."""
    monkeypatch.setattr(story, "EMAIL", f"{CANARY}@guest.example")
    at = story.arrive(sim)
    if "foodics" in at:
        sim.foodics.update_customer(*at["foodics"], birth_date=f"{CANARY}-13-45")
    if "kounta" in at:
        home = {"id": 990009, "lines": [CANARY], "city": "Sampleton", "country": "AU"}
        sim.kounta.set_address(*at["kounta"], "primary_address", home)
    return at


def told(tables, guest) -> dict[str, list[tuple]]:
    """Return all rows that say anything of the guest."""
    known = {CANARY, *(customer.lower() for _, customer in guest.values())}
    return {
        name: found
        for name, rows in tables.snapshot().items()
        if (found := [row for row in rows if any(one in repr(row).lower() for one in known)])
    }


def killed(*_, **__):
    """Be as good as a kill, in the place of anything."""
    raise KeyboardInterrupt
