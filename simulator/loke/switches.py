"""What LOKE might do otherwise, and how its records look then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

OPTIONAL = (
    "createdAt", "updatedAt", "dob", "email", "gender", "hasAgreedToMarketing", "phoneNumber",
    "statistics",
)  # fmt: skip
_OLDER = {
    "lastPointsEarnedAt": "lastPointsEarned",
    "lastPointsRedeemedAt": "lastPointsRedeemed",
    "lastSpentAt": "lastSpend",
}


@dataclass
class LokeSwitches:
    """What LOKE might do otherwise; each default is the documented or likelier answer."""

    page_size: int = 1000  # customers a page
    organizations_page_size: int = 50
    lists_page_size: int = 50
    members_page_size: int = 100
    memberships_page_size: int = 10
    next_page: str = "absolute"  # or "relative"
    # From the second page on: foreign (another host) | loop (to itself) | cycle (to the first) |
    # empty_with_next (one empty page in between) | empty_string (as the last page's header) |
    # lost_query (the next address forgets sort and filters)
    next_page_fault: str | None = None
    direction: str = "descending"  # of sort=updated; or "ascending", "mixed"
    cursor: str = "keyset"  # or "offset", which drifts when data change
    absent: str = "missing"  # how an unknown optional field is sent; or "null"
    statistics_names: str = "at"  # or "plain", the older spelling
    token_seconds: int = 3600  # how long a token lives
    token_auth: str = "both"  # which client authentication is accepted: "basic", "body"
    expired_status: int = 401  # what an expired token is answered with
    date_header: bool = True  # whether answers carry the vendor's time
    gone_status: int = 404  # what a customer that is gone answers with
    hidden_status: int = 403  # what a customer we may not see answers with
    rate_limit: int | None = None  # requests a minute
    # In seconds; or: retry_after_date | retry_after_zero | reset_iso | reset_epoch | none
    rate_limit_header: str = "retry_after"
    member_count: str = "exact"  # or "missing", "stale"
    nulls_sort: str = "last"  # or "first": where customers without the stamp stand in a list
    ties: str = "stable"  # order among equal stamps; or "shuffled", still a total order
    stamps_ms: bool = False  # createdAt and updatedAt with milliseconds
    extra_field: bool = False  # an undocumented `nickname`
    dropped_field: str = ""  # a documented one that is sent no more
    error_body: str = "object"  # or "string": errors as a bare JSON string


def shape(switches: LokeSwitches) -> tuple[object, ...]:
    """Return what decides how a customer is sent; all falsy where just as it is kept."""
    return (
        switches.stamps_ms,
        switches.statistics_names == "plain",
        switches.absent == "null",
        switches.extra_field,
        switches.dropped_field,
    )


def shown(record: Record, switches: LokeSwitches) -> Record:
    """Return a customer's record as the switches have it sent."""
    record = dict(record)
    if switches.stamps_ms:
        for name in ("createdAt", "updatedAt"):
            if isinstance(record.get(name), str) and "." not in record[name]:
                record[name] = record[name].replace("Z", ".000Z")
    if switches.statistics_names == "plain" and isinstance(record.get("statistics"), dict):
        record["statistics"] = {
            _OLDER.get(name, name): value for name, value in record["statistics"].items()
        }
    if switches.absent == "null":
        record = {**dict.fromkeys(OPTIONAL), **record}
    if switches.extra_field:
        record["nickname"] = str(record["firstName"])[:3]
    record.pop(switches.dropped_field, None)
    return record
