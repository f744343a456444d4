"""What Kounta might do otherwise, and how its records look then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

ABRIDGED = (
    "id", "company_id", "first_name", "last_name", "primary_email_address", "image",
    "reference_id",
)  # fmt: skip
ADDRESSES = ("shipping_address", "primary_address")
_IDS = ("id", "company_id", "people_id")


@dataclass
class KountaSwitches:
    """What Kounta might do otherwise; each default is the documented or likelier answer."""

    page_size: int = 25
    paging: str = "header"  # X-Next-Page; or "legacy": X-Page and X-Pages; or "both"
    next_page: str = "absolute"  # or "relative"
    # From the second page on: foreign (another host) | loop (to itself) | cycle (to the first) |
    # empty_with_next (one empty page in between) | empty_string (as the last page's header)
    next_page_fault: str | None = None
    start: str = "exclusive"  # whether a page begins after the id that `start` gives; "inclusive"
    list_payload: str = "abridged"  # or "full": the list sends whole records
    accept: str = "strict"  # */* is not enough; or "lenient": it is, as is no Accept at all
    basic_allowed: bool = True  # whether id and secret alone let in
    token_seconds: int = 3600  # how long an access token lives
    expired_status: int = 401  # what an expired access token is answered with; or 400
    rotate: bool = True  # whether a refresh gives a new refresh token; else none is sent
    old_refresh: str = "dies"  # what the one before does then, at once; or "lives"
    refresh_status: int = 400  # what a dead refresh token is answered with
    date_header: bool = True  # whether answers carry the vendor's time
    gone_status: int = 404  # what a customer that is gone answers with
    hidden_status: int = 403  # what a customer we may not see answers with
    # Ids that are in the list, and in the truth, and yet answer `gone_status`
    vanish: set[str] = field(default_factory=set)
    rate_limit: int | None = None  # requests a minute of each credential
    # How a refusal tells when to come back, X-Ratelimit-Reset or instead of it:
    # retry_after | retry_after_date | retry_after_zero | reset_iso | none
    rate_limit_header: str = "reset_epoch"
    limit_body: bool = False  # refused with 400 and the text "Limit exceeded", not with 429
    offset_hours: float = 10  # the zone of every stamp
    addresses_key: str = "primary_address"  # or "postal_address", the older name
    address_form: str = "current"  # lines and zone; or "older": address and state
    tags_absent: bool = False  # whole records without `tags`
    id_strings: bool = False  # ids as strings


def abridged(record: Record, switches: KountaSwitches) -> Record:
    """Return a customer's record as the list has it."""
    return named({name: record[name] for name in ABRIDGED if name in record}, switches)


def whole(record: Record, switches: KountaSwitches, now: str) -> Record:
    """Return a customer's record as asking for it alone has it, stamped now as every one is."""
    record = dict(record)
    known = [record[name] for name in ADDRESSES if isinstance(record.get(name), dict)]
    record.setdefault("addresses", {"count": len(known), "updated_at": now})
    for name in ADDRESSES:
        if name in record:
            record[name] = address(record[name], switches)
    if switches.addresses_key != "primary_address" and "primary_address" in record:
        record[switches.addresses_key] = record.pop("primary_address")
    if switches.tags_absent:
        record.pop("tags", None)
    return named(record | {"created_at": now, "updated_at": now}, switches)


def address(kept: Any, switches: KountaSwitches) -> Any:
    """Return an address as the switches have it sent; whatever is none as it is."""
    if not isinstance(kept, dict):
        return kept
    sent = dict(kept)
    if switches.address_form == "older":
        sent["address"], sent["state"] = ", ".join(sent.pop("lines", ())), sent.pop("zone", None)
    return named(sent, switches)


def named(record: Record, switches: KountaSwitches) -> Record:
    """Return a record with its ids as the switches have them sent."""
    if switches.id_strings:
        for name in _IDS:
            if isinstance(record.get(name), int):
                record[name] = str(record[name])
    return record
