"""One pass over one resource of one tenant: pages in, changes out.

What a page says is compared by content with what the log holds, and only what is new or different
becomes a row. What a complete scope no longer holds is a matter of `sources.removal`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pyarrow as pa

from sources.ahead import Ahead
from sources.changes import Changes
from sources.erased import Erased
from sources.errors import VendorError
from sources.intake import Intake
from sources.job import Job, ScanReport
from sources.kin import Kin
from sources.known import Log
from sources.made import Facts
from sources.paging import Page
from sources.records import Context, Shape
from sources.scratch import Scratch

State = dict[str, Any]
Reading = Generator[None, None, datetime | None]


def own_state(job: Job, home: State) -> State:
    """Return the part of a tenant's state that is this run's: a backfill has one of its own."""
    if not job.backfill:
        return home
    own: State = home.setdefault("backfills", {}).setdefault(job.backfill.name, {})
    return own


class Scan:
    """A pass in progress. One is made by `run_scan`, and kept by the job between parts.

    Attributes:
        report: What `ops.scans` will say.
        complete_kind: Whether this pass reads everything, so that absence means something.
        pages: How many were read since the last part ended.
        part: How many parts have ended.
        salt: What the records' meaning depends on besides themselves, hashed with each of them.
        ahead: The next part, where it is being read already.
        left_out: Whether something could not be read, so that the scan will not be complete.
        place: The vendor's own notes of how far it is; saved with each part, JSON.
        state: The scan's dlt state: checkpoint, watermark.
        home: The tenant's, which a backfill's state is a part of.
        erased: Customers who are to be landed no more.
    """

    def __init__(
        self,
        job: Job,
        log: Log,
        shape: Shape,
        report: ScanReport,
        *,
        home: State,
        complete: bool,
        account: str,
        context: Context,
    ) -> None:
        self.job, self.shape, self.report = job, shape, report
        self.home, self.state = home, own_state(job, home)
        self.account, self.context, self.log = account, context, log
        self.erased = (log.erased if shape.is_person else Erased)(report.tenant_id)
        self.complete_kind = complete
        self.place: State = {}
        self.held = self.left_out = False
        self.part = 0
        facts = "\x1f".join(f"{key}={value}" for key, value in sorted(context.items()))
        self.salt = hashlib.blake2b(facts.encode(), digest_size=16).digest()
        self._started = job.timing.now()
        self.pages = 0
        self.reading: Reading
        self.ahead: Ahead | None = None
        self.scratch = self._begin()
        self.intake = Intake(self)
        self.changes = Changes(job, report, shape, home)
        self.kin = Kin(self)
        for each in (shape, *self.kin.shapes):
            job.observe(after=log.last_observed(each))

    def stand_on(self, home: State) -> None:
        """Note in this state from now on."""
        self.home, self.state, self.changes.state = home, own_state(self.job, home), home

    @cached_property
    def facts(self) -> Facts:
        """What this scan's rows depend on besides the records."""
        where = self.report.vendor, self.report.tenant_id, self.report.scan_id
        return Facts(*where, self.context)

    @property
    def trusted(self) -> datetime | None:
        """Until when the log is whole: what was seen later may lack its children (None: all is).

        A load that never came to its end may have brought a customer without its tags.
        """
        if not self.shape.children:
            return None
        told = self.home.get("landed_to")
        return datetime.fromisoformat(told) if told else datetime.min.replace(tzinfo=UTC)

    def _begin(self) -> Scratch:
        """Open the scan's memory, at the checkpoint the destination knows of if there is one."""
        directory = self.job.scratch_dir
        # An id is the vendor's word, and no part of a path.
        tenant = hashlib.blake2b(self.report.tenant_id.encode(), digest_size=8).hexdigest()
        name = f"{self.shape.resource}-{tenant}" + ("-backfill" if self.job.backfill else "")
        # Who asks for everything means as it is now, not as a run saw it an hour ago.
        checkpoint = {} if self.job.full else self.state.get("checkpoint") or {}
        scratch = Scratch(directory / f"{name}.sqlite" if directory else None)
        facts = scratch.resume(checkpoint.get("part", 0), checkpoint.get("scan_id", ""))
        if facts is not None:
            if "done" in facts["place"]:
                begun = facts["place"].get("at", {})
                scratch.forget_half_read([*facts["place"]["done"], *begun])
            self.part = checkpoint["part"]
            self.report.scan_id, self.place = checkpoint["scan_id"], facts["place"]
            self.report.kind, self.report.rows_seen = facts["kind"], facts["rows_seen"]
            self.complete_kind = facts["complete"]
        if self.complete_kind:
            self._learn_all(scratch)
        return scratch

    def _learn_all(self, scratch: Scratch | None = None) -> None:
        """Load what the log holds of this tenant; it replaces what was asked for by id."""
        scratch = scratch or self.scratch
        scratch.forget_known()
        for heads in self.log.heads(self.shape, self.report.tenant_id, until=self.trusted):
            scratch.learn(heads)

    def take(self, page: Page, scope: str = "", notes: Sequence[str] = ()) -> None:
        """Compare one page of a scope with what is known, and keep what is new.

        `notes` are added to the records' hashes: what else has to be equal for no change.
        """
        self.pages += 1
        self.report.pages += 1
        self.job.progress(self.report)
        self.intake.take(page, scope, notes)

    def flush(self) -> None:
        """Turn what was taken and is new into rows."""
        self.intake.flush()

    def leave_out(self, error: VendorError) -> None:
        """Note a scope that could not be read: it stays as it was, and the scan is not complete."""
        if self.job.strict:
            raise error
        self.job.errors.append(error)
        self.left_out = True

    def read_everything(self) -> None:
        """Turn an increment into a complete scan; what it has seen so far still counts."""
        self.flush()
        self.report.kind, self.complete_kind = "full", True
        self._learn_all()

    def agrees(self, scope: str, count: object) -> bool:
        """Tell whether as many were seen of a scope as the vendor counts."""
        self.flush()
        return self.scratch.seen(scope) == count

    def forget(self, scope: str) -> None:
        """Take nothing of a scope for seen: it is read from its beginning."""
        self.scratch.forget_seen(scope)

    def known_scopes(self) -> list[str]:
        """Return the scopes (lists) the log holds members of."""
        return self.scratch.scopes()

    def see(self, ids: Sequence[str]) -> None:
        """Note records as seen and as they were, without having read them."""
        self.report.rows_seen += len(ids)
        self.scratch.see(ids, self.part + 1)

    def part_is_full(self) -> bool:
        """Tell whether enough was read to land it before reading on."""
        size, elapsed = self.job.part, (self.job.timing.now() - self._started).total_seconds()
        full = self.pages >= size.pages or self.changes.rows >= size.rows
        return full or elapsed >= size.seconds

    def end_part(self) -> Iterator[pa.Table]:
        """Return what this part brought, and put the checkpoint into the state beside it."""
        self.flush()
        self.part += 1
        facts = {
            "scan_id": self.report.scan_id,
            "kind": self.report.kind,
            "complete": self.complete_kind,
            "place": self.place,
            "rows_seen": self.report.rows_seen,
        }
        self.scratch.save(self.part, facts)
        if not self.job.backfill:
            # What a backfill brings is shown as it comes: the next sync takes it for known.
            self.state["open"] = sorted({*self.state.get("open", ()), self.report.scan_id})
        now = self.job.timing.now()
        at = {"scan_id": self.report.scan_id, "part": self.part, "at": now.isoformat()}
        self.state["checkpoint"] = at
        self.pages, self._started = 0, now
        return self._drain()

    def finish(self, watermark: datetime | None) -> Iterator[pa.Table]:
        """Yield what is left; the scan is complete and its watermark, if any, moves."""
        self.flush()
        if self.report.vendor_total is not None:
            self.report.vendor_total -= self.place.get("left_out", 0)
        self.kin.finish()
        for name in ("open", "checkpoint", "held"):
            self.state.pop(name, None)
        self.state |= {"held": True} if self.held else {}
        if not self.job.backfill:
            self._move_on(watermark)
        self.report.complete = not self.left_out
        self.close()
        yield from self._drain()

    def _move_on(self, watermark: datetime | None) -> None:
        """Move the watermark, unless something was left out that it would step over."""
        if self.left_out:
            return
        self.changes.tell_unsent()
        self.state |= {"watermark": watermark.isoformat()} if watermark else {}
        # Only where increments exist is there a next complete scan to be due; and a held one is
        # still owed. A quiet run must leave the state as it was.
        if self.report.kind == "full" and watermark is not None and not self.held:
            self.state["full_at"] = self.job.timing.now().isoformat()
        self.report.watermark = watermark

    def stop(self) -> None:
        """Read no more, and land nothing of the part under way; what fails at that is no matter."""
        with suppress(Exception):
            if self.ahead:
                self.ahead.wait()
            self.reading.close()
            self.changes.drop()

    def close(self, *, keep: bool = False) -> None:
        """End the pass: its report is written; its memory goes unless a checkpoint needs it."""
        self.report.finished_at = self.job.timing.now()
        for report in self.kin.reports.values():
            report.finished_at, report.complete = self.report.finished_at, self.report.complete
        if keep:
            self.scratch.close()
        else:
            self.scratch.discard()

    def _drain(self) -> Iterator[pa.Table]:
        if self.changes.rows:
            # Also tells one state of the destination from another that lacks these rows.
            self.home["landed_to"] = self.job.observe().isoformat()
        return self.changes.drain()
