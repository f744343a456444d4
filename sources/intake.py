"""From pages to changes: records are gathered, compared with what is known, logged where new."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from sources.buffer import Buffer
from sources.made import Here, Made
from sources.paging import Page
from sources.rejects import Reject

if TYPE_CHECKING:
    from sources.scan import Scan
    from sources.worker import Worker

FLUSH = 4_000
# Two processes hold what one would: fewer go at a time, and so many wait.
_SENT, _WAITING = 1_000, 3


class Intake:
    """Takes one scan's pages in."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._buffer = Buffer()
        self._waiting = deque[Made | Future[Made]]()
        self._is_news = scan.complete_kind and not scan.scratch.knows_any()

    @property
    def _worker(self) -> Worker | None:
        """Who makes rows ahead, which is of use where most of what comes is new."""
        worker = self._scan.job.worker
        # To know how old they are, a backfill needs the records themselves.
        of_use = self._is_news and not self._scan.job.backfill
        return worker if worker and of_use and not worker.lost else None

    def take(self, page: Page, scope: str, notes: Sequence[str]) -> None:
        """Keep a page's records until they are enough to be compared."""
        observed, shape, buffer = self._scan.job.observe(), self._scan.shape, self._buffer
        self._scan.changes.meet(page.records)
        records, notes = page.records, notes or [""] * len(page.records)
        told = list(map(shape.record_id, records))
        ids, body = [one for one in told if one is not None], page.body
        if len(ids) < len(told):
            nameless = Reject(None, shape.key, "a record without a usable id was left out")
            self._scan.changes.reject([nameless] * (len(told) - len(ids)))
            kept = [at for at, one in enumerate(told) if one is not None]
            records, notes = [records[at] for at in kept], [notes[at] for at in kept]
            body = body.only(kept) if body else None
        # Of use to the other process alone.
        body = body if self._worker else None
        buffer.extend(scope, ids, records, observed, notes, body)
        if len(buffer.ids) >= (_SENT if self._worker else FLUSH):
            self._send()
            while len(self._waiting) > (_WAITING if self._worker else 0):
                self._compare_next()

    def flush(self) -> None:
        """Turn what is new of all that was taken into rows."""
        self._send()
        while self._waiting:
            self._compare_next()

    def _send(self) -> None:
        """Have made what the buffer holds, in turn with what was sent before."""
        buffer, self._buffer = self._buffer, Buffer()
        if not buffer.ids:
            return
        scan, worker = self._scan, self._worker
        made = Here(scan.shape, buffer, scan.facts, scan.salt)
        # For a few records no process is begun.
        if worker and (worker.begun or len(buffer.ids) >= _SENT):
            self._waiting.append(worker.make(made))
        else:
            self._waiting.append(made)

    def _compare_next(self) -> None:
        made = self._waiting.popleft()
        self._compare(made.result() if isinstance(made, Future) else made)

    def _compare(self, made: Made) -> None:
        scan, buffer = self._scan, made.buffer
        if not scan.complete_kind:
            self._learn(buffer.ids)
        scan.report.rows_seen += len(buffer.ids)
        compared: list[str | None] = list(made.marks)
        for at in made.dead:
            compared[at] = None
        new, met = scan.scratch.changed(buffer.scopes, buffer.ids, compared, scan.part + 1)
        self._is_news = 2 * len(new) > len(buffer.ids)
        if scan.erased:
            # They count as seen, so that a vendor's own count is still met.
            ours = [at for at in new if buffer.ids[at] not in scan.erased]
            scan.place["left_out"] = scan.place.get("left_out", 0) + len(new) - len(ours)
            new = ours
        if scan.job.backfill:
            new = self._not_stale(new, buffer)
        self._log(made, [at for at in new if at not in made.dead], met)
        self._end(made, [at for at in new if at in made.dead])

    def _learn(self, ids: Sequence[str]) -> None:
        scan = self._scan
        unlearned = scan.scratch.unlearned(ids)
        for start in range(0, len(unlearned), 1000):
            wanted = unlearned[start : start + 1000]
            for heads in scan.log.heads(
                scan.shape, scan.report.tenant_id, wanted, until=scan.trusted
            ):
                scan.scratch.learn(heads)

    def _not_stale(self, new: list[int], buffer: Buffer) -> list[int]:
        """Leave out records older, by the vendor's own stamp, than what the log holds of them."""
        scan = self._scan
        if scan.shape.stamp is None or not new:
            return new
        some = buffer.only(new)
        fresh = scan.log.not_older(scan.shape, scan.report.tenant_id, some.ids, some.records)
        if len(fresh) < len(new):
            skipped = len(new) - len(fresh)
            name = f"{scan.report.vendor}/{scan.shape.resource}"
            scan.job.log.info("%s: stale_skipped=%d, newer ones are landed", name, skipped)
        return [new[at] for at in fresh]

    def _log(self, made: Made, places: Sequence[int], met: Collection[str]) -> None:
        """Keep rows of the log, and what changed of their children; `met` ids were known before."""
        if places:
            self._scan.changes.add_rows(made.rows(places), self._scan.shape)
            self._scan.report.rows_changed += len(places)
            self._scan.kin.take(made, places, met)

    def _end(self, made: Made, places: Sequence[int]) -> None:
        """Keep deletes of what the vendor says it has no more."""
        if places:
            self._scan.changes.add_rows(made.rows(places, "delete"), self._scan.shape)
            self._scan.report.rows_removed += len(places)
            ids = [made.buffer.ids[at] for at in places]
            self._scan.kin.drop(ids, made.buffer.observed[places[-1]])
