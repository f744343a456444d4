"""How a resource is walked: ways of reading that several vendors share.

Each returns a reading, a generator that stops wherever a part may end, so that a long scan can be
landed on the way and gone on with later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from datetime import datetime

from sources.order import Marks, NewestFirst
from sources.paging import Page
from sources.scan import Scan

Enough = Callable[[Page], bool]
Pages = Callable[[str | None, Enough | None], Iterator[Page]]
"""Yields pages from a page address (None: the first) until `enough` says so."""


def newest_first(
    scan: Scan,
    pages: Pages,
    marks: Marks,
    *,
    bound: datetime,
    watermark: datetime | None = None,
    keeps: Callable[[str], bool] = lambda _: True,
    log: logging.Logger,
) -> Generator[None, None, bool]:
    """Read newest first until the rest is older than `bound`; return whether the order let us.

    Where it did not, or the vendor's clock stands before our watermark, everything has to be
    read; what was read so far counts. `keeps` tells whether a next address still asks for the
    order: behind one that does not, old records may follow new ones just as if it did.
    """
    name = f"{scan.report.vendor}/{scan.shape.resource}"
    order, forgotten = NewestFirst(scan.shape, watermark, bound), False

    def enough(page: Page) -> bool:
        nonlocal forgotten
        if order.enough(page):
            return True
        forgotten = page.next is not None and not keeps(page.next)
        return forgotten

    for page in pages(scan.place.get("next"), enough):
        note(scan, page, marks)
        scan.place["next"] = page.next
        if watermark and page.vendor_time is not None and page.vendor_time < watermark:
            log.warning("%s: the vendor's clock went back; reading everything", name)
            break
        yield
    else:
        if not (order.broken or forgotten):
            log.debug("%s: newest first, as hoped", name)
            return True
        what = "the next page's address forgets the order" if forgotten else "not newest first"
        log.warning("%s: %s; reading everything", name, what)
    scan.place.pop("next", None)
    return False


def everything(scan: Scan, pages: Pages, marks: Marks) -> Generator[None, None, None]:
    """Read every page, from the checkpoint if there is one."""
    while not scan.place.get("read"):
        for page in pages(scan.place.get("next"), None):
            note(scan, page, marks)
            scan.place["next"], scan.place["read"] = page.next, page.next is None
            yield
    tell_unstamped(scan, marks.without_stamp)


def tell_unstamped(scan: Scan, count: int) -> None:
    """Say of how many records no increment can tell when they changed."""
    if count:
        told = "%s/%s: null_cursor=%d records without a stamp, found by complete scans only"
        scan.job.log.info(told, scan.report.vendor, scan.shape.resource, count)


def note(scan: Scan, page: Page, marks: Marks) -> None:
    """Give one page to the scan and to what it learns about time."""
    marks.see(page, scan.job.timing.now())
    scan.take(page)
