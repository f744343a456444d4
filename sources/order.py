"""Whether pages really come newest first, and where the rest must be older than asked for."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from sources.convert import dated, latest
from sources.paging import Page
from sources.records import Shape


class Marks:
    """What a pass learns about time: the vendor's clock at its start, and the newest stamp seen.

    `place` is the scan's own dict, so that a resumed pass keeps the start of the first one.
    """

    def __init__(self, shape: Shape, place: dict[str, object]) -> None:
        self._shape, self._place = shape, place

    def see(self, page: Page, now: datetime) -> None:
        """Note one page; `now` stands in for a vendor that does not tell its clock."""
        self._place.setdefault("started", (page.vendor_time or now).isoformat())
        stamps = self._shape.stamps(page.records) if page.stamps is None else page.stamps
        self._place["without_stamp"] = self.without_stamp + stamps.count(None)
        newest = latest(stamps)
        if newest is not None and newest.isoformat() > str(self._place.get("newest", "")):
            self._place["newest"] = newest.isoformat()

    @property
    def without_stamp(self) -> int:
        """How many records had none: an increment cannot place them, a complete scan finds them."""
        return int(str(self._place.get("without_stamp", 0)))

    def watermark(self) -> datetime | None:
        """Return the lower of the pass's start and the newest stamp; None when none was seen.

        An edit made while the pass ran is stamped after its start, and a stamp from the future
        says nothing about what comes before it.
        """
        started, newest = self._place.get("started"), self._place.get("newest")
        if started is None or newest is None:
            return None
        return min(datetime.fromisoformat(str(started)), datetime.fromisoformat(str(newest)))


class NewestFirst:
    """Judges pages asked for newest first, one after the other.

    Attributes:
        broken: A page was not in that order: nothing may be concluded from where it ends.
    """

    def __init__(self, shape: Shape, watermark: datetime | None, bound: datetime) -> None:
        self.broken = False
        self._shape, self._watermark, self._bound = shape, watermark, bound
        self._newest: datetime | None = None
        self._descends = False

    def enough(self, page: Page) -> bool:
        """Tell whether reading on is needless: the rest is older, or the order is broken.

        Guarantees: true for the former only when the direction has shown itself, by a descent or
        by the newest known stamp standing in front; a page of one stamp alone proves nothing.
        """
        stamps = dated(self._shape.stamps(page.records))
        if not stamps:
            return False
        first, last = max(stamps), stamps[-1]
        rises = any(later > earlier for earlier, later in pairwise(stamps))
        if rises or (self._newest is not None and first > self._newest):
            self.broken = True
            return True
        if self._newest is None:
            self._descends = self._watermark is not None and first >= self._watermark
        self._descends = self._descends or last < (self._newest or first)
        self._newest = first
        return bool(self._descends and last < self._bound)
