"""One walk over the pages of a list that changes while it is read.

Newest first, whoever comes or is touched meanwhile moves to the front: those behind are pushed on
and come twice. Only who leaves the list pulls others forward, past the page that is asked for
next; then the total falls, and as many places are read again. What no total shows is found at the
end, when fewer were met than are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from math import inf
from typing import Any

from sources.collins import api
from sources.collins.fields import CUSTOMERS
from sources.convert import dated
from sources.errors import NotFound, Refused
from sources.http import Client
from sources.order import NewestFirst
from sources.paging import Batch, Page

Filters = dict[str, str]
Place = dict[str, Any]
STAMPED = {name: replace(CUSTOMERS, stamp=name) for name in (api.UPDATED, api.CREATED)}
_ROUNDS, _STEPS, _EMPTY = 3, 20, 3
# Stamps and filters may each be of any zone: two such are a day apart, and a little.
_ZONES = timedelta(days=2)
_EVER = datetime.min.replace(tzinfo=UTC)


class End(Enum):
    """How a walk ended."""

    WHOLE = "everybody was met"
    CUT = "pages end before the customers do, or there are too many of them"
    MOVED = "customers moved each time they were read"
    IGNORED = "the filter by a stamp does nothing"


class Walk:
    """Reads the customers under some filters, page by page.

    Attributes:
        total: How many there are, by the vendor's last word; None where it does not say.
        ignored: The stamp whose filter does nothing, where one was found not to.
        mixed: Whether pages came in another order than was asked for.
    """

    def __init__(
        self,
        client: Client,
        filters: Filters,
        place: Place,
        keep: Callable[[Page], object],
        *,
        most: int | None = None,
        watermark: datetime | None = None,
    ) -> None:
        """Begin a walk, or go on with the one that `place` tells of.

        Args:
            client: Asks the vendor.
            filters: Which customers.
            place: Where how far it came is noted, JSON.
            keep: Is given every page.
            most: Ends the walk where there are more.
            watermark: Stops at what is older than asked for, should the filter do nothing.
        """
        self._client, self._place, self._keep = client, place, keep
        self._most, self._watermark = most, watermark
        stamp = next((name for name in STAMPED if has(filters, name)), api.CREATED)
        self._shape, self._params = STAMPED[stamp], {**filters, "sort": f"-{stamp}"}
        self._bounds = {name: _days(filters, name) for name in STAMPED if has(filters, name)}
        self.ignored: str | None = None
        self.mixed = False
        known: Place | None = place.get("at")
        # In another order than asked for, who came meanwhile may hide who left.
        self._begin(None if known and known["mixed"] else known)

    def _begin(self, known: Place | None = None) -> None:
        self._at = known or {"page": 1, "total": None, "seen": 0, "mixed": False}
        self._place["at"] = self._at
        self._resumed = known is not None
        self.total: int | None = self._at["total"]
        self._end: End | None = None
        self._ids: set[str] = set()
        self._refusals: set[int] = set()
        self._steps = self._empty = 0
        self._still, self._hollow = True, False

    def read(self) -> Generator[None, None, End]:
        """Read until nobody can have slipped between two pages."""
        end = End.MOVED
        for again in range(_ROUNDS):
            if again:
                self._begin()
            yield from self._round()
            end = self._end or (yield from self._settle())
            if end is not End.MOVED:
                break
        self._place.pop("at", None)
        return end

    def _round(self) -> Generator[None, None, None]:
        """Read from where the walk is to the last page, going back where the total fell."""
        while self._at["page"] and self._end is None:
            self._asked, self._back = self._at["page"], 0
            self._told = self._asked - 1
            bound = self._bounds.get(api.UPDATED, (_EVER,))[0]
            self._order = NewestFirst(self._shape, self._watermark, bound)
            pages = api.customers(
                self._client, self._params, self._asked, enough=self._enough, tell=self._tell
            )
            try:
                for page in pages:
                    self._meet(page)
                    self._at["page"] = self._back or int(page.next or 0)
                    yield
            except (NotFound, Refused) as error:
                self._refused(error)

    def _meet(self, page: Page) -> None:
        self._keep(page)
        ids = _ids_of(page)
        self._at["seen"] += len(ids - self._ids)
        self._at["mixed"] = self.mixed
        self._ids |= ids

    def _tell(self, batch: Batch) -> None:
        """Compare a page's total with that of the page before it."""
        page, before = self._asked, self._at["total"]
        size = batch.size or len(batch.records) or api.LIMIT
        self._asked, self._depth = page + 1, page * size
        self._empty = 0 if batch.records else self._empty + 1
        if batch.total is None:
            return
        self.total = self._at["total"] = batch.total
        self._hollow |= not batch.records and (page - 1) * size < batch.total
        if before is not None:
            self._still &= batch.total == before
        if before is not None and batch.total < before and page > 1:
            # Who left may have done so at any page since the last that told a total.
            self._back = max(0, self._told * size - (before - batch.total)) // size + 1
            self._steps += 1
            if self._steps > _STEPS:
                self._end = End.MOVED
        self._told = page

    def _enough(self, page: Page) -> bool:
        """Tell whether the walk is not to go on to the page after this one."""
        if self._back:
            return True
        older = self._order.enough(page)
        self.mixed |= self._order.broken
        self.ignored = self.ignored or self._does_nothing(page)
        if self.ignored and self._watermark is None:
            self._end = End.IGNORED
        elif self.ignored and not self.mixed:
            self._end = End.WHOLE if older else None
        elif self._empty >= _EMPTY or max(self._depth, self.total or 0) > (self._most or inf):
            self._end = End.CUT
        return self._end is not None

    def _does_nothing(self, page: Page) -> str | None:
        """Return the stamp whose filter let somebody through who is far from what it asks for."""
        for name, (low, high) in self._bounds.items():
            stamps = dated(STAMPED[name].stamps(page.records))
            if any(not low <= stamp <= high for stamp in stamps):
                return name
        return None

    def _refused(self, error: NotFound | Refused) -> None:
        """Take a refusal of a page that is to exist: the list became shorter, or is cut there."""
        page = self._asked
        if page == 1:
            raise error
        if self._resumed and not self._ids:
            self._begin()
        elif page in self._refusals:
            self._end = End.CUT
        else:
            # The page before it knows how many there are now.
            self._refusals.add(page)
            self._at["page"] = page - 1

    def _settle(self) -> Generator[None, None, End]:
        """Return how a walk to the last page ended; look at the front for who is missing."""
        at = self._at
        if self._is_whole():
            return End.WHOLE
        if not self.mixed and not self._resumed:
            pages = api.customers(
                self._client,
                self._params,
                enough=lambda page: _ids_of(page) <= self._ids,
                tell=lambda batch: batch.total is None or at.update(total=batch.total),
            )
            with suppress(NotFound, Refused):
                for page in pages:
                    self._meet(page)
                    yield
            if self._is_whole():
                return End.WHOLE
        return End.CUT if self._hollow or self._still else End.MOVED

    @property
    def capped(self) -> bool:
        """Whether more were met than the vendor counts, though its count stood still."""
        return self._still and self.total is not None and self._at["seen"] > self.total

    def _is_whole(self) -> bool:
        return self._at["total"] is None or self._at["seen"] >= self._at["total"]


def _ids_of(page: Page) -> set[str]:
    return {str(CUSTOMERS.record_id(record)) for record in page.records}


def has(filters: Filters, name: str) -> bool:
    """Tell whether there is a filter by the days of this stamp."""
    return f"{name}_from" in filters or f"{name}_to" in filters


def _days(filters: Filters, name: str) -> tuple[datetime, datetime]:
    """Return the moments between which stamps are where a filter by days does what it says."""
    low, high = filters.get(f"{name}_from"), filters.get(f"{name}_to")
    return (
        _midnight(low) - _ZONES if low else _EVER,
        _midnight(high) + timedelta(days=1) + _ZONES if high else datetime.max.replace(tzinfo=UTC),
    )


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
