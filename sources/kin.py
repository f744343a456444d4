"""A record's children: its tags, its addresses, compared whole and logged each by itself.

A record that says `[]` has none left; one without the key says nothing, and removes nothing. Only
records whose content changed are looked at, so a quiet run costs nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from sources.buffer import Buffer
from sources.job import ScanReport
from sources.known import rows_of
from sources.made import Family, Here, Made, Source
from sources.records import Child, Shape

if TYPE_CHECKING:
    from sources.scan import Scan

_CHUNK = 1000


class Kin:
    """The children of one scan's records, and the lists that exist by being named."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._silent: set[str] = set()
        self._learned = False
        self._since = scan.trusted
        self._were: dict[str, Counter[str]] = {
            child.shape.resource: Counter() for child in scan.shape.children
        }
        self.reports: dict[str, ScanReport] = {}
        for shape in self.shapes:
            name = shape.resource
            seen = scan.place.get("children", {}).get(name, 0)
            self.reports[name] = replace(scan.report, resource=name, rows_seen=seen)
        scan.job.reports += self.reports.values()

    @property
    def shapes(self) -> list[Shape]:
        """The declarations of all children, and of the lists they name."""
        children = self._scan.shape.children
        return [each.shape for each in children] + [each.lists for each in children if each.lists]

    def take(self, made: Made, places: Sequence[int], met: Collection[str]) -> None:
        """Log how the children of these changed records differ from what the log holds.

        `met` are the ids that the log or this scan knew before.
        """
        if not self._scan.shape.children or not places:
            return
        self._learn([made.buffer.ids[at] for at in places])
        for child, family in zip(self._scan.shape.children, made.families(places), strict=True):
            if len(family.told) < len(places):
                self._say_silent(child)
            self._compare(child, family, met)

    def _say_silent(self, child: Child) -> None:
        """Note once a scan that records came without the key: their children stay as they were."""
        if child.shape.resource not in self._silent:
            self._silent.add(child.shape.resource)
            self._scan.job.log.info(
                "%s/%s: not every record names them; what is known of the others stays as it was",
                self._scan.report.vendor,
                child.shape.resource,
            )

    def _compare(self, child: Child, family: Family, met: Collection[str]) -> None:
        """Log what is new of some records' children, then what is gone."""
        self._scan.changes.reject([why for _, why in family.rejects], child.shape.resource)
        seen = dict(family.told.values())
        new, gone = self._scan.scratch.kin.changes(
            child.shape.resource, list(seen), family.scopes, family.ids, family.marks, met
        )
        self._log(child.shape, family.source, new)
        self._end(child, [(scope, key, seen[scope]) for scope, key in gone])
        if child.lists:
            self._touch(child, {family.ids[at] for at in new})
        report = self.reports[child.shape.resource]
        report.rows_seen += len(family.ids)
        # As those of the scan itself, they are counted over checkpoints.
        self._scan.place.setdefault("children", {})[report.resource] = report.rows_seen

    def _log(self, shape: Shape, source: Source, places: Sequence[int]) -> None:
        if not places:
            return
        self._scan.changes.add_rows(source.rows(places), shape)
        self.reports[shape.resource].rows_changed += len(places)

    def _end(self, child: Child, gone: Sequence[tuple[str, str, datetime]]) -> None:
        """Log a delete for each (parent, id, when it was seen)."""
        by_time: dict[datetime, list[tuple[str, str]]] = {}
        for scope, key, seen in gone:
            by_time.setdefault(seen, []).append((scope, key))
        for seen, keys in by_time.items():
            self._scan.changes.add(
                child.shape.deletions(
                    keys,
                    seen,
                    tenant_id=self._scan.report.tenant_id,
                    scan_id=self._scan.report.scan_id,
                ),
                child.shape.resource,
            )
        self.reports[child.shape.resource].rows_removed += len(gone)
        self._touch(child, {key for _, key, _ in gone})

    def drop(self, ids: Sequence[str], seen: datetime) -> None:
        """End every child of records that are gone."""
        if not self._scan.shape.children or not ids:
            return
        self._learn(ids)
        for child in self._scan.shape.children:
            name, parents = child.shape.resource, list(ids)
            _, gone = self._scan.scratch.kin.changes(name, parents, [], [], [], parents)
            self._end(child, [(scope, key, seen) for scope, key in gone])

    def counts(self, child: Child) -> dict[str, int]:
        """Return how many parents hold each child now: the log's word, then this scan's."""
        scan, resource = self._scan, child.shape.resource
        if scan.complete_kind:
            self._learn(None)
            return scan.scratch.kin.counts(resource)
        tenant = scan.report.tenant_id
        counts = Counter(scan.log.holders(child.shape, tenant, until=self._since))
        counts.subtract(self._were[resource])
        counts.update(scan.scratch.kin.counts(resource))
        return {key: count for key, count in counts.items() if count > 0}

    def holders(self, child: Child, key: str) -> set[str]:
        """Return which parents hold a child now."""
        scratch, resource = self._scan.scratch, child.shape.resource
        if self._scan.complete_kind:
            self._learn(None)
            return scratch.kin.holders(resource, key)
        held: set[str] = set()
        for table in self._heads(child.shape, [key]):
            held |= {scope for scope, op in rows_of(table, "scope", "op") if op == "upsert"}
        return (held - scratch.kin.asked(sorted(held))) | scratch.kin.holders(resource, key)

    def end(self, child: Child, key: str, parents: Sequence[str]) -> None:
        """End a child in these parents, who hold it no more."""
        self._learn(parents)
        self._scan.scratch.kin.forget(child.shape.resource, key, parents)
        seen = self._scan.job.observe()
        self._end(child, [(scope, key, seen) for scope in parents])

    def _learn(self, ids: Sequence[str] | None) -> None:
        """Load what the log holds of these parents' children, of all in a complete scan."""
        scan, scratch = self._scan, self._scan.scratch
        if self._learned:
            return
        if ids is None or scan.complete_kind:
            self._learned = True
            chunks: Iterable[Sequence[str] | None] = [None]
        else:
            asked = scratch.kin.unasked(ids)
            chunks = (asked[start : start + _CHUNK] for start in range(0, len(asked), _CHUNK))
        for chunk in chunks:
            for child in scan.shape.children:
                for heads in self._heads(child.shape, chunk, by=child.shape.scope):
                    scratch.kin.learn(child.shape.resource, heads, everyone=chunk is None)
                    if chunk is not None:
                        alive = rows_of(heads, "id", "op")
                        were = self._were[child.shape.resource]
                        were.update(key for key, op in alive if op == "upsert")

    def _heads(
        self, shape: Shape, ids: Sequence[str] | None, *, by: str | None = None
    ) -> Iterator[pa.Table]:
        scan = self._scan
        return scan.log.heads(shape, scan.report.tenant_id, ids, by=by, until=scan.trusted)

    def _touch(self, child: Child, names: set[str]) -> None:
        """Remember which lists may have come or gone, over checkpoints too."""
        if child.lists and names:
            place: dict[str, Any] = self._scan.place.setdefault("touched", {})
            held = set(place.get(child.shape.resource, ()))
            place[child.shape.resource] = sorted(held | names)

    def finish(self) -> None:
        """Log the lists that exist since, or no longer, because somebody, or nobody, is on them."""
        for child in self._scan.shape.children:
            if child.lists:
                touched = self._scan.place.get("touched", {}).get(child.shape.resource, [])
                if touched or self._scan.complete_kind:
                    self._name_lists(child, child.lists, touched)
        for report in self.reports.values():
            report.kind, report.scan_id = self._scan.report.kind, self._scan.report.scan_id

    def _name_lists(self, child: Child, lists: Shape, touched: Sequence[str]) -> None:
        complete = self._scan.complete_kind
        known: dict[str, str] = {}
        for table in self._heads(lists, None if complete else touched):
            pairs = rows_of(table, "id", "op")
            known |= {name: op for name, op in pairs if op == "upsert"}
        alive_now = self._alive(child, None if complete else touched)
        seen = self._scan.job.observe()
        fresh = sorted(alive_now - known.keys())
        named = Buffer()
        for name in fresh:
            named.add("", name, {"id": name}, seen)
        self._log(lists, Here(lists, named, self._scan.facts), range(len(fresh)))
        gone = [("", name) for name in sorted(known.keys() - alive_now)]
        facts = {"tenant_id": self._scan.report.tenant_id, "scan_id": self._scan.report.scan_id}
        self._scan.changes.add(lists.deletions(gone, seen, **facts), lists.resource)
        self.reports[lists.resource].rows_removed += len(gone)
        self.reports[lists.resource].rows_seen += len(alive_now)

    def _alive(self, child: Child, names: Sequence[str] | None) -> set[str]:
        """Return which of these lists anybody is on: the scan's word first, then the log's."""
        scratch, resource = self._scan.scratch, child.shape.resource
        if names is None:
            self._learn(None)
            return set(scratch.kin.counts(resource))
        alive = {name for name in scratch.kin.counts(resource) if name in set(names)}
        return alive | {name for name in set(names) - alive if self.holders(child, name)}
