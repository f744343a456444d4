"""Collins's endpoints for venues, and for the marketing preferences of venues and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.collins.errors import missing
from simulator.collins.paging import page_of
from simulator.collins.switches import in_zone
from simulator.collins.world import Account
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.collins.wire import Collins


def venues(collins: Collins, request: Request, account: Account, _: Sequence[str]) -> Answer:
    """GET /venues, by `status` (a list), the beginning of `title`, and `venue_group`."""
    statuses = set(filter(None, request.params.get("status", "").split(",")))
    begins = request.params.get("title", "").casefold()
    group = request.params.get("venue_group") or account.group
    found = [
        in_zone(record, collins.switches.zone)
        for record in account.venues.values()
        if (not statuses or record["status"] in statuses)
        and (record["title"] or "").casefold().startswith(begins)
        and record["venue_group"] == group
    ]
    page = page_of(collins.switches, request, len(found))
    return ok({"venues": found[page.start : page.stop]}, headers=page.headers)


def venue(collins: Collins, _: Request, account: Account, ids: Sequence[str]) -> Answer:
    """GET /venues/{venue}."""
    record = account.venues.get(ids[0])
    return ok({"venue": in_zone(record, collins.switches.zone)}) if record else missing()


def venue_preferences(collins: Collins, _: Request, account: Account, ids: Sequence[str]) -> Answer:
    """GET /venues/{venue}/marketing-preferences: the active ones, a bare array."""
    active = account.active.get(ids[0])
    return missing() if active is None else _bare(collins, account, active)


def group_preferences(collins: Collins, _: Request, account: Account, ids: Sequence[str]) -> Answer:
    """GET /venue-groups/{group}/marketing-preferences: retired ones too, a bare array."""
    if ids[0] != account.group:
        return missing()
    return _bare(collins, account, list(account.preferences))


def _bare(collins: Collins, account: Account, ids: Sequence[str]) -> Answer:
    return ok([in_zone(account.preferences[one], collins.switches.zone) for one in ids])
