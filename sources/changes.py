"""What a scan has found out since its last part: rows of the log, rejects, unheard-of fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa

from sources.job import Job, ScanReport
from sources.payload import Record
from sources.records import Shape
from sources.rejects import Reject, reject_rows
from sources.rows import Rows
from sources.spool import Spool

# A field's name is the vendor's word; one that looks like no name may be a guest's address.
_NAME = re.compile(r"[A-Za-z_]\w{0,63}(\.[A-Za-z_]\w{0,63})?", re.ASCII)
_NAMELESS = "(others)"
_MOST_NAMES = 100
# What none of so many records has is sent no more.
_ENOUGH = 20


class Changes:
    """Collects tables by resource until they are drained into a dlt resource.

    `state` is the tenant's: what was told once for good is kept in it.
    """

    def __init__(self, job: Job, report: ScanReport, shape: Shape, state: dict[str, Any]) -> None:
        self._job, self._report, self._shape, self.state = job, report, shape, state
        self._spools: dict[str, Spool] = {}
        self._rejects: list[tuple[str, Reject]] = []
        self._without_id = Counter[str]()
        self._met, self._sent = 0, set[str]()
        self.rows = 0

    def meet(self, records: Sequence[Record]) -> None:
        """Note which fields these records have."""
        self._met += len(records)
        self._sent.update(*records)

    def tell_unsent(self) -> None:
        """Say once which documented fields none of all records has, that some had until now.

        Only of a complete scan that met everybody itself: a resumed one has not.
        """
        if self._report.kind != "full" or self._met < max(_ENOUGH, self._report.rows_seen):
            return
        sent = self._sent & self._shape.documented.keys()
        if lost := set(self.state.get("sent", ())) - sent:
            self._job.log.warning(
                "%s/%s: none of %d records has %s any more; what was landed of it is kept, and "
                "it is NULL from now on",
                self._report.vendor,
                self._shape.resource,
                self._met,
                ", ".join(sorted(lost)),
            )
        self.state["sent"] = sorted(sent)

    def add(self, table: pa.Table, resource: str | None = None) -> None:
        """Keep rows of the scan's own table, or of a child's."""
        if table.num_rows:
            name = resource or self._shape.resource
            if name not in self._spools:
                self._spools[name] = Spool(table.schema, self._job.scratch_dir)
            self._spools[name].add(table)
            self.rows += table.num_rows

    def add_rows(self, rows: Rows, shape: Shape) -> None:
        """Keep converted rows, with what was rejected on the way and what nobody documented."""
        self.add(rows.table, shape.resource)
        self.reject([reject for _, reject in rows.rejects], shape.resource)
        self._tell_unknown(rows.unknown, shape.resource)

    def reject(self, rejects: Sequence[Reject], resource: str | None = None) -> None:
        """Keep what could not be kept, but for what was told before."""
        name = resource or self._shape.resource
        self._rejects += [
            (name, reject)
            for reject in rejects
            if reject.record_id is not None or self._is_news(name)
        ]

    @property
    def nameless(self) -> int:
        """How many records of the scan's own table had no usable id."""
        return self._without_id[self._shape.resource]

    def _is_news(self, resource: str) -> bool:
        """Count a record without id; tell whether that makes more than any scan has met yet.

        Such a record cannot be told from the ones of the last scan, and a quiet run writes nothing.
        """
        self._without_id[resource] += 1
        if self._without_id[resource] == 1:
            self._job.log.warning(
                "%s/%s: records without a usable id are left out", self._report.vendor, resource
            )
        told: dict[str, int] = self.state.get("without_id", {})
        return self._without_id[resource] > told.get(resource, 0)

    def _tell_unknown(self, names: set[str], resource: str) -> None:
        """Say once, for good, that the vendor sends fields nobody documented."""
        key = "unknown_fields" if resource == self._shape.resource else f"unknown_{resource}"
        told = set(self.state.get(key, ()))
        named = {name if _NAME.fullmatch(name) else _NAMELESS for name in names}
        fresh = sorted(named - told)[: max(0, _MOST_NAMES - len(told))]
        if fresh:
            self._job.log.warning(
                "%s/%s: undocumented fields %s; they are kept in _extra",
                self._report.vendor,
                resource,
                ", ".join(fresh),
            )
            self.state[key] = sorted(told.union(fresh))

    def drop(self) -> None:
        """Keep nothing: the scan has failed."""
        for spool in self._spools.values():
            spool.close()
        self._spools = {}

    def drain(self) -> Iterator[pa.Table]:
        """Return what was kept, and keep it no longer: what is added from now on comes next."""
        spools, self._spools = self._spools, {}
        rejects, self._rejects = self._rejects, []
        self.rows = 0
        if any(reject.record_id is None for _, reject in rejects):
            told: dict[str, int] = self.state.get("without_id", {})
            self.state["without_id"] = dict(Counter(told) | self._without_id)
        return self._tables(spools, rejects)

    def _tables(
        self, spools: dict[str, Spool], rejects: list[tuple[str, Reject]]
    ) -> Iterator[pa.Table]:
        for resource, spool in spools.items():
            own = resource == self._shape.resource
            for table in spool.drain():
                yield table if own else dlt.mark.with_table_name(table, resource)
        if rejects:
            names = ("run_id", "vendor", "tenant_id")
            scan = {name: getattr(self._report, name) for name in names}
            values = self._job.keep_rejected_values
            rows = reject_rows(rejects, self._job.observe(), values=values, **scan)
            yield dlt.mark.with_table_name(rows, "rejects")
