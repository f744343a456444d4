"""How Kounta's customers are read: the list tells who there is, their own records what they are.

What the list says of a customer is hashed and kept beside the hash of the full record; a full one
is asked for where the list says something new, and where its turn has come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sources.confirm import by_address
from sources.content import digest, without
from sources.errors import ContractError, Forbidden, Unavailable, VendorError
from sources.http import Client
from sources.kounta import api
from sources.kounta.fields import CUSTOMERS
from sources.paging import Page
from sources.patience import IN_A_ROW, Patience, reason
from sources.payload import Record
from sources.removal import end_scope
from sources.scan import Reading, Scan

_AT_ONCE = 4
# So many full records are read between two places where a part may end.
_PORTION = 100
# So many of those that did not come are remembered for the next run; the others wait their turn.
_OWED = 100
# What only a full record has: a list that sends all of it needs no further question.
_FULL = frozenset({"phone", "mobile", "fax", "description", "email_addresses", "tags",
                   "accepts_marketing", "shipping_address"})  # fmt: skip
# The mark of a customer whose full record has never been read: unlike any other, so that the next
# run asks again.
_ABRIDGED = "abridged"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

Answer = Record | VendorError | None
"""A full record, why there is none, or None: it is said to be gone."""


class Customers:
    """Reads the customers of a company in one scan.

    Who is listed exists, whatever their own address answers: who cannot be read in full stays as
    they were, or, if they are new, is taken as the list has them, and all others are read.
    """

    def __init__(self, client: Client, company_id: str, scan: Scan, max_age: timedelta) -> None:
        self._client, self._company, self._scan = client, company_id, scan
        self._place = place = scan.place
        place.setdefault("started", scan.job.timing.now().isoformat())
        self._everyone = scan.report.kind != "incremental"
        self._due = Turn(scan.home.get("rotated_to"), place["started"], max_age)
        self._owed = frozenset(scan.home.get("owed", ()))
        self._patience, self._gone = Patience(), 0
        self._failures, self._row = list[VendorError](), list[VendorError]()
        self._stopped: VendorError | None = None
        self._ended: VendorError | None = None

    def read(self) -> Reading:
        """Read the list and whatever full records it takes, then end who is listed no more."""
        place = self._place
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="kounta-detail") as pool:
            while not place.get("read"):
                for page in api.customers(self._client, self._company, place.get("next")):
                    for _ in self._take(page, pool):
                        yield
                    place["next"], place["read"] = page.next, page.next is None
                    yield
        self._tell()
        if not self._scan.job.backfill:
            end_scope(self._scan, by_address(self._get, CUSTOMERS, self._scan))
            self._move_on()
        return None

    def _get(self, customer_id: str) -> Record | None:
        return api.customer(self._client, self._company, customer_id)

    def _take(self, page: Page, pool: ThreadPoolExecutor) -> Iterator[None]:
        """Take one page of the list; stops wherever a part may end before it is done with."""
        scan, listed, ready = self._scan, dict[str, Record](), list[Record]()
        for record in page.records:
            record_id = CUSTOMERS.record_id(record)
            if record_id is None or record.keys() >= _FULL:
                ready.append(record)
            elif record_id not in scan.erased:
                listed[record_id] = record
        marks = {key: mark(record) for key, record in listed.items()}
        known = _marks_of(scan.scratch.hashes(list(marks)))
        read = _marks_of(scan.scratch.hashes(list(marks), seen=True))
        # What an earlier part of this scan has read of the page is not read again.
        left = [key for key, its in marks.items() if read.get(key) != its]
        same = {key for key in left if known.get(key) == marks[key]}
        turned = {key for key in same if key in self._owed or self._due(key)}
        self._place["turned"] = self._place.get("turned", False) or bool(turned)
        unasked = set() if self._everyone else same - turned
        wanted = [key for key in left if key not in unasked]
        scan.see(sorted(unasked))
        if ready or not wanted:
            scan.take(Page(ready, page.next, page.vendor_time))
        for start in range(0, len(wanted), _PORTION):
            self._ask(wanted[start : start + _PORTION], listed, marks, known, pool)
            yield

    def _ask(
        self,
        ids: Sequence[str],
        listed: Mapping[str, Record],
        marks: Mapping[str, str],
        known: Mapping[str, str],
        pool: ThreadPoolExecutor,
    ) -> None:
        """Read so many in full; what came is kept, even if the vendor then lets in no more."""
        found, noted, kept = list[Record](), list[str](), list[str]()
        for key, answer in zip(ids, pool.map(self._answer, ids), strict=True):
            if isinstance(answer, dict):
                self._row.clear()
                found.append(answer)
                noted.append(marks[key])
            elif not self._bears(key, answer):
                continue
            elif known.get(key, _ABRIDGED) == _ABRIDGED:
                found.append(listed[key])
                noted.append(_ABRIDGED)
            else:
                kept.append(key)
        self._scan.see(kept)
        if found or kept:
            self._scan.take(Page(found, None, None), notes=noted)
        if self._ended is not None:
            raise self._ended

    def _answer(self, customer_id: str) -> Answer:
        """Ask one customer's own address."""
        if over := self._ended or self._stopped:
            return over
        try:
            record = self._get(customer_id)
        except VendorError as error:
            return error
        if record is None or CUSTOMERS.record_id(record) == customer_id:
            return record
        return ContractError(
            "a customer's address answered with another record",
            vendor=self._client.vendor,
            account=self._client.account,
            resource=CUSTOMERS.resource,
        )

    def _bears(self, customer_id: str, error: VendorError | None) -> bool:
        """Tell whether the reading goes on without a record; later ones may be there already."""
        if self._ended is None:
            try:
                self._fail(customer_id, error)
            except VendorError as end:
                self._ended = end
        return self._ended is None

    def _fail(self, customer_id: str, error: VendorError | None) -> None:
        """Bear with a record that did not come; raise where it is more than that one."""
        if error is None:
            self._gone += 1
            return
        refused = isinstance(error, Forbidden)
        if self._scan.job.strict and not refused:
            raise error
        self._patience.bear(error)
        self._failures.append(error)
        self._row = [*(one for one in self._row if type(one) is type(error)), error]
        if len(self._row) < IN_A_ROW:
            owed = self._place.setdefault("owed", [])
            if not refused and len(owed) < _OWED:
                owed.append(customer_id)
        elif refused:
            # It is the permission for them all, and there is no use in asking further.
            self._stopped = error
        else:
            raise error

    def _tell(self) -> None:
        """Say once what could not be read in full."""
        scan, log = self._scan, self._client.log
        if self._gone:
            log.info("kounta/customers: %d were listed and then gone", self._gone)
        refused = sum(isinstance(error, Forbidden) for error in self._failures)
        if refused:
            log.warning(
                "kounta/customers: %d full records are not shown to us (403); they stand as they "
                "were, new ones as the list has them",
                refused,
            )
        if self._stopped is not None:
            scan.leave_out(self._stopped)
        others = [error for error in self._failures if not isinstance(error, Forbidden)]
        if others:
            scan.job.errors.append(_summary(others))

    def _move_on(self) -> None:
        """Note whose turn is over; nobody's is, where full records are not shown at all."""
        home, place = self._scan.home, self._place
        if self._stopped is not None:
            return
        if self._everyone:
            home["full_at"] = place["started"]
        if self._everyone or place.get("turned") or self._due.back:
            home["rotated_to"] = place["started"]
        home.pop("owed", None)
        home |= {"owed": sorted(place["owed"])} if place.get("owed") else {}


class Turn:
    """Whose full record is to be read again: each customer's turn comes once in `max_age`.

    A customer's moment in the cycle follows from its id, so nothing has to be remembered of it.

    Guarantees: a run leaves no full record older than `max_age`, and reads none more often than
    once for each moment of its own that has passed.

    Attributes:
        back: Our clock stands before the last turn: nobody's turn comes, and turns go on from now.
    """

    def __init__(self, since: str | None, until: str, max_age: timedelta) -> None:
        self._age = max_age // _MICROSECOND
        self._until = _moment(until)
        self._since = self._until - self._age if since is None else _moment(since)
        self.back = self._until < self._since

    def __call__(self, customer_id: str) -> bool:
        """Tell whether a customer's turn has come since the last one."""
        passed = self._until - self._since
        if not self._age or passed >= self._age:
            return True
        point = int.from_bytes(hashlib.blake2b(customer_id.encode(), digest_size=8).digest(), "big")
        moment = point * self._age >> 64
        return (moment - self._since) % self._age < passed


def mark(record: Record) -> str:
    """Return the hash of what the list says of a customer; empty counts as nothing.

    A stamp that is always the moment of asking is left out, should the list send one.
    """
    said = {key: value for key, value in without(record, CUSTOMERS.volatile).items() if value != ""}
    return digest(said).rpartition(":")[2][:16]


def _moment(text: str) -> int:
    """Return a time as microseconds since 1970."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def _marks_of(hashes: Mapping[str, str]) -> dict[str, str]:
    """Return what the list said of each when it was read, from the hashes kept of them."""
    return {key: held.rpartition(":")[2] for key, held in hashes.items()}


def _summary(failures: Sequence[VendorError]) -> VendorError:
    """Return the one error that tells of all full records that did not come."""
    first = next((one for one in failures if isinstance(one, ContractError)), failures[0])
    kind = ContractError if isinstance(first, ContractError) else Unavailable
    return kind(
        f"{len(failures)} full records could not be read: {reason(first)}. They stand as they "
        "were, new ones as the list has them; all else is published, and the next run asks again",
        vendor=first.vendor,
        account=first.account,
        resource=first.resource,
    )
