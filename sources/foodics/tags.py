"""Who has which tag: a tag's own count is compared with ours, because attaching moves no stamp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from sources.confirm import by_address
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS, TAGS
from sources.http import Client
from sources.paging import Page
from sources.payload import Record
from sources.scan import Reading, Scan

_TAGGED = CUSTOMERS.children[0]


def counted(pages: Iterable[Page]) -> dict[str, Any]:
    """Return, for each living tag, how many customers have it by the vendor's word."""
    return {
        str(TAGS.record_id(tag)): tag.get("customers_count", tag.get("customersCount"))
        for page in pages
        for tag in page.records
        if tag.get("deleted_at") is None
    }


def compare(client: Client, scan: Scan, counts: Mapping[str, Any]) -> Reading:
    """Compare each tag's count with ours, and read the customers of those that differ."""
    scan.flush()
    ours = scan.kin.counts(_TAGGED)
    gaps: dict[str, int] = scan.home.get("count_gaps", {})
    for tag_id in sorted({*ours, *(tag for tag, count in counts.items() if count)}):
        theirs = counts.get(tag_id, 0)
        if not isinstance(theirs, int) or theirs - ours.get(tag_id, 0) == gaps.get(tag_id, 0):
            continue
        yield from _read_tagged(client, scan, tag_id, listed=tag_id in counts)
        left = theirs - len(scan.kin.holders(_TAGGED, tag_id))
        gaps = {**gaps, tag_id: left}
    gaps = {tag_id: gap for tag_id, gap in gaps.items() if gap and tag_id in counts}
    if gaps != scan.home.get("count_gaps", {}):
        # A difference that stays (the vendor counts others too) is not asked about again.
        scan.home["count_gaps"] = gaps
    return None


def _read_tagged(client: Client, scan: Scan, tag_id: str, *, listed: bool) -> Reading:
    """Make a tag's memberships those the vendor shows for it."""
    shown: set[str] = set()
    if listed:
        for page in api.listed(client, filters={"filter[tags.id]": tag_id}):
            records = [one for one in page.records if _has_tag(one, tag_id)]
            scan.take(Page(records, page.next, page.vendor_time))
            shown |= {str(CUSTOMERS.record_id(record)) for record in records}
            yield
    elif api.tag(client, tag_id) is not None:
        return None
    scan.flush()
    lost = sorted(scan.kin.holders(_TAGGED, tag_id) - shown)
    if not lost:
        return None
    if not listed:
        scan.kin.end(_TAGGED, tag_id, lost)
        return None
    ask = by_address(partial(api.customer, client), CUSTOMERS, scan)
    still = [answer for _, answer in ask(lost) if isinstance(answer, dict)]
    scan.take(Page(still, None, None))
    scan.flush()
    return None


def _has_tag(record: Record, tag_id: str) -> bool:
    """Tell whether a record has a tag: a filter that is ignored shows everybody."""
    held = record.get("tags")
    if not isinstance(held, list):
        return False
    return any(str(tag.get("id")) == tag_id for tag in held if isinstance(tag, dict))
