"""Who has which tag: a tag's own count is compared with ours, because attaching moves no stamp."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sources.confirm import by_address
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS, TAGS
from sources.gaps import Gaps
from sources.http import Client
from sources.keyset import is_cut
from sources.paging import Batch, Page
from sources.payload import Record
from sources.removal import is_too_many
from sources.scan import Reading, Scan

_TAGGED = CUSTOMERS.children[0]


@dataclass(frozen=True)
class Tags:
    """All tags, as one run has read them.

    Attributes:
        cut: Whether there are more than the vendor shows.
    """

    pages: list[Page]
    cut: bool

    @property
    def counts(self) -> dict[str, Any]:
        """How many customers have each living tag, by the vendor's word."""
        return {
            str(TAGS.record_id(tag)): tag.get("customers_count", tag.get("customersCount"))
            for page in self.pages
            for tag in page.records
            if tag.get("deleted_at") is None
        }


def read(client: Client) -> Tags:
    """Read all tags."""
    batches: list[Batch] = []
    pages = list(api.tags(client, tell=batches.append))
    cut = is_cut(len(pages), batches[-1], max(len(each.records) for each in batches))
    if cut and batches[-1].total is None:
        # A last page that is full proves nothing; the order turned round does.
        ids = {TAGS.record_id(tag) for page in pages for tag in page.records}
        youngest = next(api.tags(client, sort=api.YOUNGEST_FIRST))
        cut = not ids.issuperset(map(TAGS.record_id, youngest.records))
    return Tags(pages, cut)


def compare(client: Client, scan: Scan, counts: Mapping[str, Any]) -> Reading:
    """Compare each tag's count with ours, and read the customers of those that differ."""
    scan.flush()
    ours = scan.kin.counts(_TAGGED)
    gaps = Gaps(scan)
    for tag_id in sorted({*ours, *(tag for tag, count in counts.items() if count)}):
        theirs = counts.get(tag_id, 0)
        if not isinstance(theirs, int) or gaps.has(tag_id, theirs - ours.get(tag_id, 0)):
            continue
        yield from _read_tagged(client, scan, tag_id, listed=tag_id in counts)
        gaps.note(tag_id, theirs - len(scan.kin.holders(_TAGGED, tag_id)))
    gaps.keep(counts)
    return None


def _read_tagged(client: Client, scan: Scan, tag_id: str, *, listed: bool) -> Reading:
    """Make a tag's memberships those the vendor shows for it."""
    if not listed:
        if api.tag(client, tag_id) is None:
            scan.kin.end(_TAGGED, tag_id, sorted(scan.kin.holders(_TAGGED, tag_id)))
        return None
    shown: set[str] = set()
    batches: deque[Batch] = deque(maxlen=1)
    for page in api.listed(client, tell=batches.append, filters={"filter[tags.id]": tag_id}):
        if not all(_has_tag(record, tag_id) for record in page.records):
            # The filter, or what is to be included, is ignored: a complete scan is all there is.
            client.log.info("foodics/tags: who has a tag is not shown; only complete scans tell")
            return None
        scan.take(page)
        shown |= {str(CUSTOMERS.record_id(record)) for record in page.records}
        yield
    if (batches[-1].total or 0) > len(shown):
        client.log.info("foodics/tags: a tag has more than are shown; only complete scans tell")
        return None
    scan.flush()
    held = scan.kin.holders(_TAGGED, tag_id)
    lost = sorted(held - shown)
    if is_too_many(scan, len(lost), len(held)):
        told = "foodics/tags: %d of %d are not on their tag any more; a complete scan will tell"
        client.log.warning(told, len(lost), len(held))
        return None
    ask = by_address(partial(api.customer, client), CUSTOMERS, scan)
    still = [answer for _, answer in ask(lost) if isinstance(answer, dict)]
    scan.take(Page(still, None, None))
    scan.flush()
    return None


def _has_tag(record: Record, tag_id: str) -> bool:
    held = record.get("tags")
    if not isinstance(held, list):
        return False
    return any(str(tag.get("id")) == tag_id for tag in held if isinstance(tag, dict))
