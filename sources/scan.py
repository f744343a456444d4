"""One pass over one resource of one tenant: pages in, changes out, absences made sure of.

What a page says is compared by content with what the log holds, and only what is new or different
becomes a row. What a complete scope no longer holds is a candidate for removal, never more: it is
removed when the vendor confirms it, and held when there are more of them than can be believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from typing import Any

import dlt
import pyarrow as pa

from sources.errors import VendorError
from sources.job import Job, RemovalPlan, ScanReport
from sources.known import Log
from sources.paging import Page
from sources.payload import Record
from sources.records import Context, Shape
from sources.rejects import Reject, reject_rows
from sources.scratch import Scratch

_FLUSH = 10_000
GUARD_LEAST, GUARD_SHARE = 50, 0.05
State = dict[str, Any]
Reading = Generator[None, None, datetime | None]
Confirm = Callable[[Sequence[str]], Iterator[tuple[str, Record | bool]]]
"""Ids → (id, True: gone | False: not known | the record: still there) for each of them."""


class Scan:
    """A pass in progress. One is made by `run_scan`, and kept by the job between parts.

    Attributes:
        report: What `ops.scans` will say.
        pages: How many were read since the last part ended.
        place: The vendor's own notes of how far it is; saved with each part, JSON.
    """

    def __init__(
        self,
        job: Job,
        log: Log,
        shape: Shape,
        report: ScanReport,
        state: State,
        *,
        account: str,
        context: Context,
    ) -> None:
        self.job, self.shape, self.report, self.state = job, shape, report, state
        self.account, self.context = account, context
        self.place: State = {}
        self.held = False
        self._left_out = False
        self._log = log
        self._part = 0
        facts = "\x1f".join(f"{key}={value}" for key, value in sorted(context.items()))
        self._salt = hashlib.blake2b(facts.encode(), digest_size=16).digest()
        self._buffer: list[tuple[str, str, str, Record, datetime]] = []
        self._tables: list[pa.Table] = []
        self._rejects: list[Reject] = []
        self._started = job.timing.now()
        self.pages = self._rows = 0
        self.reading: Reading
        self._scratch = self._begin()
        job.observe(after=log.last_observed(shape))

    @property
    def complete_kind(self) -> bool:
        """Whether this pass reads everything, so that absence means something."""
        return self.report.kind == "full"

    def _begin(self) -> Scratch:
        """Open the scan's memory, at the checkpoint the destination knows of if there is one."""
        directory = self.job.scratch_dir
        # An id is the vendor's word, and no part of a path.
        tenant = hashlib.blake2b(self.report.tenant_id.encode(), digest_size=8).hexdigest()
        path = directory / f"{self.shape.resource}-{tenant}.duckdb" if directory else None
        # Who asks for everything means as it is now, not as a run saw it an hour ago.
        checkpoint = {} if self.job.full else self.state.get("checkpoint") or {}
        scratch = Scratch(path)
        facts = scratch.resume(checkpoint.get("part", 0), checkpoint.get("scan_id", ""))
        if facts is not None:
            scratch.forget_half_read(facts["place"].get("done"))
            self._part = checkpoint["part"]
            self.report.scan_id, self.place = checkpoint["scan_id"], facts["place"]
            self.report.kind, self.report.rows_seen = facts["kind"], facts["rows_seen"]
        if self.complete_kind:
            self._learn_all(scratch)
        return scratch

    def _learn_all(self, scratch: Scratch | None = None) -> None:
        """Load what the log holds of this tenant; it replaces what was asked for by id."""
        scratch = scratch or self._scratch
        scratch.forget_known()
        for heads in self._log.heads(self.shape, self.report.tenant_id):
            scratch.learn(heads)

    def take(self, page: Page, scope: str = "") -> None:
        """Compare one page of a scope with what is known, and keep what is new."""
        observed = self.job.observe()
        self.pages += 1
        self.report.pages += 1
        self.job.progress(self.report)
        for record in page.records:
            record_id = self.shape.record_id(record)
            if record_id is None:
                self._reject_keyless()
                continue
            mark = self.shape.fingerprint(record, self._salt)
            self._buffer.append((scope, record_id, mark, record, observed))
        if len(self._buffer) >= _FLUSH:
            self._flush()

    def _reject_keyless(self) -> None:
        reason = "a record without a usable id was left out"
        self._rejects.append(Reject(None, self.shape.key, reason))

    def _flush(self) -> None:
        """Turn what the buffer holds that is new into rows."""
        if not self._buffer:
            return
        buffer, self._buffer = self._buffer, []
        scopes, ids, marks, records, observed = map(list, zip(*buffer, strict=True))
        if not self.complete_kind:
            unlearned = self._scratch.unlearned(ids)
            for start in range(0, len(unlearned), 1000):
                wanted = unlearned[start : start + 1000]
                for heads in self._log.heads(self.shape, self.report.tenant_id, wanted):
                    self._scratch.learn(heads)
        self.report.rows_seen += len(ids)
        new = self._scratch.changed(scopes, ids, marks, self._part + 1)
        if not new:
            return
        rows = self.shape.rows(
            [records[at] for at in new],
            ids=[ids[at] for at in new],
            hashes=[marks[at] for at in new],
            observed=[observed[at] for at in new],
            tenant_id=self.report.tenant_id,
            scan_id=self.report.scan_id,
            scopes=[scopes[at] for at in new],
            context=self.context,
        )
        self._add(rows.table)
        self.report.rows_changed += len(new)
        self._rejects.extend(rows.rejects)
        self._report_unknown(rows.unknown)

    def _report_unknown(self, names: set[str]) -> None:
        """Say once, for good, that the vendor sends fields nobody documented."""
        told = set(self.state.get("unknown_fields", ()))
        if names - told:
            self.job.log.warning(
                "%s/%s: undocumented fields %s; they are kept in _extra",
                self.report.vendor,
                self.shape.resource,
                ", ".join(sorted(names - told)),
            )
            self.state["unknown_fields"] = sorted(told | names)

    def _add(self, table: pa.Table) -> None:
        self._tables.append(table)
        self._rows += table.num_rows

    def end_scope(
        self, confirm: Confirm, *, scope: str = "", vendor_count: int | None = None
    ) -> None:
        """Remove what this completely read scope no longer holds, and the vendor confirms.

        `vendor_count` is the vendor's own word for how many there are: where it agrees with what
        was read, many removals are believed; else more than max(50, 5 %) are held.
        """
        self._flush()
        missing = self._scratch.missing(scope)
        if not missing:
            return
        alive = self._scratch.alive(scope)
        too_many = len(missing) > max(GUARD_LEAST, GUARD_SHARE * alive)
        believed = vendor_count is not None and vendor_count == self._scratch.seen(scope)
        if too_many and not believed and not self.job.allow_mass_delete:
            self.held = True
            self.job.held.append(
                RemovalPlan(
                    self.report.vendor,
                    self.account,
                    self.report.tenant_id,
                    self.shape.resource,
                    scope,
                    alive,
                    missing,
                )
            )
            return
        self._remove(scope, missing, confirm)

    def _remove(self, scope: str, missing: Sequence[str], confirm: Confirm) -> None:
        """Write a delete for each confirmed absence, a row for each that is still there."""
        gone: list[tuple[str, str]] = []
        found: list[Record] = []
        for record_id, answer in confirm(missing):
            if answer is True:
                gone.append((scope, record_id))
            elif isinstance(answer, dict):
                found.append(answer)
        if found:
            self.take(Page(found, None, None), scope)
            self._flush()
        for start in range(0, len(gone), _FLUSH):
            self._add(
                self.shape.deletions(
                    gone[start : start + _FLUSH],
                    self.job.observe(),
                    tenant_id=self.report.tenant_id,
                    scan_id=self.report.scan_id,
                )
            )
        self.report.rows_removed += len(gone)

    def drop_scope(self, scope: str) -> None:
        """End everything in a scope that is itself gone, what this scan saw of it included."""
        self._flush()
        gone = sorted({*self._scratch.missing(scope), *self._scratch.seen_in(scope)})
        self._remove(scope, gone, lambda ids: ((record_id, True) for record_id in ids))

    def leave_out(self, error: VendorError) -> None:
        """Note a scope that could not be read: it stays as it was, and the scan is not complete."""
        self.job.errors.append(error)
        self._left_out = True

    def read_everything(self) -> None:
        """Turn an increment into a complete scan; what it has seen so far still counts."""
        self._flush()
        self.report.kind = "full"
        self._learn_all()

    def known_scopes(self) -> list[str]:
        """Return the scopes (lists) the log holds members of."""
        return self._scratch.scopes()

    def part_is_full(self) -> bool:
        """Tell whether enough was read to land it before reading on."""
        size, elapsed = self.job.part, (self.job.timing.now() - self._started).total_seconds()
        return self.pages >= size.pages or self._rows >= size.rows or elapsed >= size.seconds

    def end_part(self) -> Iterator[pa.Table]:
        """Yield what this part brought, and put the checkpoint into the state beside it."""
        self._flush()
        self._part += 1
        facts = {
            "scan_id": self.report.scan_id,
            "kind": self.report.kind,
            "place": self.place,
            "rows_seen": self.report.rows_seen,
        }
        self._scratch.save(self._part, facts)
        self.state["open"] = sorted({*self.state.get("open", ()), self.report.scan_id})
        self.state["checkpoint"] = {"scan_id": self.report.scan_id, "part": self._part}
        yield from self._drain()
        self.pages = self._rows = 0
        self._started = self.job.timing.now()

    def finish(self, watermark: datetime | None) -> Iterator[pa.Table]:
        """Yield what is left; the scan is complete and its watermark, if any, moves."""
        self._flush()
        for name in ("open", "checkpoint", "held"):
            self.state.pop(name, None)
        self.state |= {"held": True} if self.held else {}
        self.state |= {"watermark": watermark.isoformat()} if watermark else {}
        # Only where increments exist is there a next complete scan to be due; and a held one is
        # still owed. A quiet run must leave the state as it was.
        if self.complete_kind and watermark is not None and not self.held:
            self.state["full_at"] = self.job.timing.now().isoformat()
        self.report.complete = not self._left_out
        self.report.watermark = watermark
        self.close()
        yield from self._drain()

    def close(self, *, keep: bool = False) -> None:
        """End the pass: its report is written; its memory goes unless a checkpoint needs it."""
        self.report.finished_at = self.job.timing.now()
        if keep:
            self._scratch.close()
        else:
            self._scratch.discard()

    def _drain(self) -> Iterator[pa.Table]:
        tables, self._tables = self._tables, []
        yield from tables
        if self._rejects:
            rejects, self._rejects = self._rejects, []
            names = ("run_id", "vendor", "tenant_id", "resource")
            scan = {name: getattr(self.report, name) for name in names}
            rows = reject_rows(rejects, self.job.observe(), **scan)
            yield dlt.mark.with_table_name(rows, "rejects")
