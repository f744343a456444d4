"""Who is on which list: every list is read in full, and each may fail by itself.

A list ends with all its members when the vendor does not show it any more and its own address says
404; many at once are held, as the lists themselves are. One that merely cannot be read stands as it
was, and does not keep the others from being published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from sources.errors import Forbidden, NotFound, Unavailable, VendorError
from sources.http import Client
from sources.known import rows_of
from sources.loke import api
from sources.loke.fields import CUSTOMER_LISTS, MEMBERS
from sources.paging import Page, together
from sources.patience import IN_A_ROW, Patience, reason
from sources.payload import Record
from sources.removal import drop_scope, end_scope, hold_scopes, is_too_many
from sources.scan import Reading, Scan

_AT_ONCE = 4
# Up to so many missing members are asked about one by one; beyond, the list is read again.
_ONE_BY_ONE = 10


class Members:
    """Reads the members of an organisation's lists in one scan.

    `lists` are those the vendor shows: what its own count of each says is compared with ours.
    """

    def __init__(self, client: Client, org: str, scan: Scan, lists: Iterable[Record]) -> None:
        self._client, self._org, self._scan = client, org, scan
        self._patience = Patience()
        self._gone: list[str] = []
        # Where each list goes on that was read in part, now or by the run before.
        self._at: dict[str, str] = scan.place.setdefault("at", {})
        self._resumed = frozenset(self._at)
        self._again: list[str] = []
        self._counts: dict[str, Any] = _counts(lists)
        self._shown = frozenset(self._counts)

    def read(self) -> Reading:
        """Read every list, remove who left, and end the lists that are gone."""
        scan, done = self._scan, self._scan.place.setdefault("done", [])
        self._look_for_lost()
        known = [count for count in self._counts.values() if isinstance(count, int)]
        scan.report.vendor_total = sum(known) if len(known) == len(self._counts) else None
        todo = [list_id for list_id in self._counts if list_id not in done]
        while todo:
            walks = [(one, partial(self._walk, one)) for one in todo]
            read = 0
            for list_id, page in together(walks, workers=_AT_ONCE):
                if self._take(list_id, page):
                    read += 1
                if self._patience.worn:
                    self._stop(len(todo) - read)
                    self._again.clear()
                    break
                yield
            todo, self._again = self._again, []
        self._end_gone()
        return None

    def _walk(self, list_id: str) -> Iterator[Page]:
        return api.members(self._client, self._org, list_id, start=self._at.get(list_id))

    def _look_for_lost(self) -> None:
        """Ask for the lists that had members and are not shown any more."""
        lost = [one for one in self._scan.known_scopes() if one not in self._shown]
        if lost and self._are_too_many(lost):
            self._gone += lost
            return
        for list_id in lost:
            try:
                record = api.customer_list(self._client, self._org, list_id)
            except VendorError as error:
                self._patience.bear(error)
                self._leave_out(error, list_id)
                continue
            if record is None:
                self._gone.append(list_id)
            else:
                self._counts |= {list_id: record.get("memberCount")}

    def _take(self, list_id: str, page: Page | Exception | None) -> bool:
        """Take a page of a list, or its end; return whether the list is done with."""
        try:
            if isinstance(page, Page):
                self._scan.take(page, list_id)
                self._at |= {list_id: page.next} if page.next else {}
            elif page is None:
                self._end(list_id)
            else:
                raise page
        except VendorError as error:
            self._fail(error, list_id)
            return True
        self._patience.succeed()
        return page is None

    def _end(self, list_id: str) -> None:
        """Remove who is not on a list any more that was read to its end."""
        confirm, count = partial(self._confirm, list_id), self._counts[list_id]
        self._at.pop(list_id, None)
        if list_id in self._resumed and not self._scan.agrees(list_id, count):
            # Somebody came or went between its two halves: it is read in one go.
            self._resumed -= {list_id}
            self._scan.forget(list_id)
            self._again.append(list_id)
            return
        end_scope(self._scan, confirm, scope=list_id, vendor_count=count)
        self._scan.place["done"].append(list_id)

    def _fail(self, error: VendorError, list_id: str) -> None:
        """Note a list that is gone; leave one alone that could not be read."""
        passing = False
        try:
            if isinstance(error, NotFound):
                if api.customer_list(self._client, self._org, list_id) is None:
                    self._gone.append(list_id)
                    return
            elif isinstance(error, Forbidden):
                # Seen once it may pass; what is refused twice is a missing permission.
                next(api.members(self._client, self._org, list_id, enough=lambda _: True))
                passing = True
        except VendorError as again:
            error = again
        self._patience.bear(error)
        # It may be the address that is no more; the next run begins with the first page.
        self._at.pop(list_id, None)
        self._leave_out(error, list_id, passing=passing)

    def _leave_out(self, error: VendorError, list_id: str, *, passing: bool = False) -> None:
        """Say that a list stands as it was, and why; `passing`: it may well answer next time."""
        kind = Unavailable if passing or isinstance(error, NotFound) else type(error)
        then = "have the permission granted" if kind is Forbidden else "the next run reads it again"
        self._tell(
            kind,
            f"the members of list {list_id} could not be read: {reason(error)}. Its memberships "
            f"stand as they were, all else is published; {then}",
        )

    def _stop(self, left: int) -> None:
        """Ask no further when the vendor seems to be down: it would only take time."""
        if left:
            self._tell(
                Unavailable,
                f"{IN_A_ROW} lists in a row could not be read, so {left} others were not tried. "
                "Their memberships stand as they were, and the next run reads them",
            )

    def _tell(self, kind: type[VendorError], what: str) -> None:
        where = {"account": self._client.account, "resource": MEMBERS.resource}
        self._scan.leave_out(kind(what, vendor="loke", **where))

    def _end_gone(self) -> None:
        """End the lists that are gone, unless they are too many to believe it."""
        if not self._gone:
            return
        if self._are_too_many(self._gone):
            hold_scopes(self._scan, self._gone)
            return
        # What answers 404 may be the whole organisation, uninstalled while we read: then its
        # lists are not shown either.
        pages = api.customer_lists(self._client, self._org)
        shown = _counts(entry for page in pages for entry in page.records)
        for list_id in self._gone:
            if list_id not in shown:
                drop_scope(self._scan, list_id)

    def _are_too_many(self, gone: Sequence[str]) -> bool:
        """Tell whether the guard holds the removal of the lists themselves."""
        alive = {
            list_id
            for heads in self._scan.log.heads(CUSTOMER_LISTS, self._org)
            for list_id, op in rows_of(heads, "id", "op")
            if op == "upsert"
        } | {*self._scan.known_scopes()}
        return is_too_many(self._scan, len((alive - self._shown) | {*gone}), len(alive))

    def _confirm(self, list_id: str, ids: Sequence[str]) -> Iterator[tuple[str, Record | bool]]:
        """Make sure of missing members: one by one, or by reading the list once more."""
        if len(ids) > _ONE_BY_ONE:
            pages = api.members(self._client, self._org, list_id)
            again = {MEMBERS.record_id(entry) for page in pages for entry in page.records}
            yield from ((one, one not in again) for one in ids)
            return
        for customer_id in ids:
            try:
                listed = api.is_member(self._client, self._org, list_id, customer_id)
            except Forbidden:
                # A customer we may not see has not left.
                listed = True
            yield customer_id, not listed


def _counts(lists: Iterable[Record]) -> dict[str, Any]:
    """Return the vendor's own count of members for each list that has an id."""
    found = ((CUSTOMER_LISTS.record_id(entry), entry) for entry in lists)
    return {list_id: entry.get("memberCount") for list_id, entry in found if list_id is not None}
