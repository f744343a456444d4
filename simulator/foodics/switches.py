"""What Foodics might do otherwise, and how its records look then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

READ_SCOPES = (
    "customers.list", "customers.get", "customers.accounts.read", "customers.loyalty.read",
    "general.read",
)  # fmt: skip
WRITE_SCOPES = (
    "customers.write", "customers.accounts.write", "customers.loyalty.write", "admin.write",
    "admin.restore",
)  # fmt: skip
GATED = {
    "customers.accounts.read": ("house_account_limit", "house_account_balance"),
    "customers.loyalty.read": ("loyalty_balance",),
}
FLAGS = ("is_loyalty_enabled", "is_blacklisted", "is_house_account_enabled")


@dataclass
class FoodicsSwitches:
    """What Foodics might do otherwise; each default is the documented or likelier answer."""

    page_size: int = 50  # records a page, and the most that `per_page` gets
    envelope: str = "length_aware"  # or "simple": no last page, no total
    next_link: str = "lost_query"  # the next address has only its page; or "full"
    page_cap: int | None = None  # the list silently ends after so many pages; the total does not
    updated_after: str = "exclusive"  # or "inclusive"
    filter_ignored: bool = False  # updated_after is accepted and does nothing
    sort_ignored: bool = False  # every list comes in its usual order
    unknown_filter: str = "ignored"  # or "error": 400; sorts and includes likewise
    default_list: str = "living"  # what a list shows unasked; or "all", the soft-deleted too
    is_deleted_with_updated_after: str = "combined"  # or "ignored": is_deleted alone counts
    deleted_detail: str = "gone"  # how a soft-deleted customer answers alone; or "shown"
    delete_touches: bool = True  # whether deleting moves updated_at
    restore_touches: bool = True  # whether restoring does
    tag_touches: bool = False  # whether attaching and detaching a tag does
    scopes: Sequence[str] = READ_SCOPES
    gated: str = "absent"  # fields whose scope is missing; or "null"
    flags: str = "mixed"  # is_loyalty_enabled as 1, the others as true; or "booleans", "numbers"
    include_ignored: bool = False  # tags and addresses stay away though asked for
    tags_count: str = "exact"  # or "missing", "stale"
    id_form: str = "uuid"  # of what is built or made from then on; or "short", as documented
    ties: str = "stable"  # order among equal values; or "shuffled", still a total order
    extra_field: bool = False  # an undocumented `nickname`
    date_header: bool = True  # whether answers carry the vendor's time
    gone_status: int = 404  # what a customer that is gone answers with
    hidden_status: int = 403  # what a customer we may not see answers with
    rate_limit: int | None = None  # requests a minute and token; refused ones count
    # In seconds; or: retry_after_date | retry_after_zero | reset_iso | reset_epoch | none
    rate_limit_header: str = "retry_after"


def shape(switches: FoodicsSwitches) -> tuple[object, ...]:
    """Return what decides how a customer is sent; all falsy where just as it is kept."""
    lacking = tuple(scope for scope in GATED if scope not in switches.scopes)
    flags = "" if switches.flags == "mixed" else switches.flags
    return lacking, lacking and switches.gated, flags, switches.extra_field


def shown(record: Record, switches: FoodicsSwitches) -> Record:
    """Return a customer's record as the switches have it sent."""
    record = dict(record)
    for scope, names in GATED.items():
        for name in () if scope in switches.scopes else names:
            if switches.gated == "null":
                record[name] = None
            else:
                record.pop(name, None)
    if switches.flags != "mixed":
        form = bool if switches.flags == "booleans" else int
        record |= {name: form(record[name]) for name in FLAGS if record.get(name) in (0, 1)}
    if switches.extra_field:
        record["nickname"] = str(record.get("name"))[:3]
    return record
