"""What Collins might do otherwise, and how its records look then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.collins.stamps import sent

Record = dict[str, Any]

STAMPS = ("created_date", "last_updated", "date", "opt_in_date", "opt_out_date")
_TEXTS = (
    "email", "first_name", "last_name", "phone", "company", "dob", "custom_field_value", "notes",
    "created_date", "last_updated",
)  # fmt: skip
_LISTS = ("associated_venues", "marketing_preferences", "bookings", "labels")


@dataclass
class CollinsSwitches:
    """What Collins might do otherwise; each default is the documented or likelier answer."""

    page_size: int = 30  # records a page at most, whatever `limit` asks; `limit` itself to 30
    beyond_last: str = "empty"  # a page after the last; or "error" (422), "last" (repeated)
    hit_window: int | None = None  # no result beyond this number can be paged to
    hit_window_form: str = "error"  # 422; or "empty"
    totals: str = "headers"  # or "missing": no X-Pagination headers
    total_cap: int | None = None  # the totals never tell more than this
    null_last: bool = True  # where rows without the sort field stand, whatever the direction
    ties: str = "stable"  # order among equal sort values; or "shuffled", still a total order
    sort_ignored: bool = False  # as if no sort was asked
    filter_ignored: bool = False  # as if no last_updated filter was asked
    zone: str = "UTC"  # of every stamp sent; or "Europe/London"
    filter_zone: str = "UTC"  # of the days that filters name; or "Europe/London"
    absent: str = "missing"  # how an unknown field is sent; or "null", "empty"
    preferences_field: str = "list"  # or "absent": no record has marketing_preferences
    dob_time: bool = False  # dob with T00:00:00, as the older interface had it
    extra_field: bool = False  # an undocumented `nickname`
    booking_touches: bool = False  # whether a new booking moves last_updated
    consent_touches: bool = True  # whether a change of consent does
    date_header: bool = True  # whether answers carry the vendor's time
    gone_status: int = 404  # what a customer that is gone answers with
    hidden_status: int = 403  # what a customer we may not see answers with
    rate_limit: int | None = None  # requests an hour, for each token
    # In ISO 8601; or: reset_epoch | retry_after | retry_after_date | retry_after_zero | none
    rate_limit_header: str = "reset_iso"


def shape(switches: CollinsSwitches) -> tuple[object, ...]:
    """Return what decides how a customer is sent; all falsy where just as it is kept."""
    return (
        switches.zone != "UTC",
        switches.dob_time,
        switches.absent != "missing",
        switches.preferences_field == "absent",
        switches.extra_field,
    )


def shown(record: Record, switches: CollinsSwitches) -> Record:
    """Return a customer's record as the switches have it sent."""
    record = in_zone(record, switches.zone)
    if switches.dob_time and record.get("dob"):
        record["dob"] = f"{record['dob'][:10]}T00:00:00"
    if switches.absent == "null":
        record = {**dict.fromkeys((*_TEXTS, *_LISTS, "company_address")), **record}
    if switches.absent == "empty":
        nothing: Record = {name: [] for name in _LISTS}
        record = {**dict.fromkeys(_TEXTS, ""), **nothing, "company_address": {}, **record}
    if switches.preferences_field == "absent":
        record.pop("marketing_preferences", None)
    if switches.extra_field:
        record["nickname"] = str(record.get("first_name") or "")[:3]
    return record


def in_zone(record: Record, zone: str) -> Record:
    """Return a copy of a record with every stamp, those within lists too, in that zone."""
    if zone == "UTC":
        return dict(record)
    return {
        name: sent(value, zone)
        if name in STAMPS and isinstance(value, str)
        else [in_zone(one, zone) if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else value
        for name, value in record.items()
    }
