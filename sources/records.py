"""Declared fields → Arrow rows of the change log, with what could not be kept reported.

A `Shape` declares a resource once: its documented fields with their types, what identifies a
record, which fields lie. Everything else follows from it: the Arrow schema, which dlt
declares the table by, `_extra` for what nobody documented, the row hash, and the rejects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from typing import Any

import pyarrow as pa

from sources.content import canonical, digest, without
from sources.convert import Bad, Kind, Moments, column, moments
from sources.payload import Record
from sources.rejects import Reject
from sources.rows import Rows

Context = Mapping[str, str | None]
Clean = Callable[["pa.Array | None", int, Context], tuple["pa.Array", list[Bad]]]


@dataclass(frozen=True)
class Field:
    """One documented field: the column it lands in, its type, and where the vendor puts it.

    Attributes:
        path: Keys from the record inwards, at most two.
        also: The same field's other spelling in an older payload.
        doc: What the vendor says it is; the data dictionary is made from it.
        core: The column of `core` it reaches, or why it reaches none.
        volatile: The vendor changes it without anything having changed; it is not hashed.
    """

    column: str
    kind: Kind
    path: tuple[str, ...]
    doc: str
    also: tuple[str, ...] = ()
    core: str = ""
    volatile: bool = False


@dataclass(frozen=True)
class Derived:
    """A cleaned column beside the vendor's own.

    Attributes:
        clean: (column of `source` or None, number of rows, context) → column, what was bad in it.
        value: (record, context) → a value to start from, where one column cannot tell it.
    """

    column: str
    doc: str
    clean: Clean | None = None
    source: str | None = None
    value: Callable[[Record, Context], Any] | None = None
    kind: Kind = Kind.TEXT
    core: str = ""


@dataclass(frozen=True)
class Child:
    """What a record holds many of: tags, addresses. Each has a row of its own in `shape`.

    Attributes:
        shape: Declares the rows; its `scope` is the column of the parent's id.
        keys: The keys of the parent's record they stand under.
        entries: Parent's record → its children, None where it does not say (which removes none).
        lists: Declares the lists these children name, where a name is all a list is.
    """

    shape: Shape
    keys: tuple[str, ...]
    entries: Callable[[Record], list[Record] | None]
    lists: Shape | None = None


BOOKKEEPING = (
    ("_extra", "text", "Undocumented fields of the record, as JSON; NULL when there are none."),
    ("_op", "text", "`upsert`: the vendor has this record so; `delete`: it has it no more."),
    ("_observed_at", "timestamp", "When we saw it, UTC; rising with every page read."),
    ("_scan_id", "text", "The scan that saw it; `ops.scans` tells which."),
    ("_row_hash", "text", "Version of the recipe, then a hash of the record's content."),
)


@dataclass(frozen=True)
class Shape:
    """A resource's declaration.

    Attributes:
        scope: The column that names the scope: a list's id, a parent's.
        stamp: The column of the vendor's change stamp.
        tombstone: The key that says, when it is not null, that the vendor has it no more.
    """

    resource: str
    fields: tuple[Field, ...]
    doc: str
    key: str = "id"
    scope: str | None = None
    stamp: str | None = None
    derived: tuple[Derived, ...] = ()
    children: tuple[Child, ...] = ()
    tombstone: str | None = None

    def __post_init__(self) -> None:
        """Refuse what a scan cannot keep apart: it knows a parent by its id alone."""
        if self.scope and self.children:
            raise ValueError(f"{self.resource}: a record within a scope has no children")

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the log; dlt declares the table by it, names, types and NULLs."""
        types: dict[str, Any] = {"tenant_id": pa.string()}
        types |= {self.scope: pa.string()} if self.scope else {}
        types |= {each.column: each.kind.arrow for each in self.fields}
        types |= {each.column: each.kind.arrow for each in self.derived}
        types |= {
            name: Kind.TIMESTAMP.arrow if kind == "timestamp" else pa.string()
            for name, kind, _ in BOOKKEEPING
        }
        required = {"tenant_id", self.scope, self.key, "_op", "_observed_at", "_scan_id"}
        return pa.schema([pa.field(n, t, nullable=n not in required) for n, t in types.items()])

    @cached_property
    def is_person(self) -> bool:
        """Whether a record's key is a customer's id, so that the row goes when they are erased."""
        own = next(each for each in self.fields if each.column == self.key)
        return ".customer_id" in own.core

    @cached_property
    def documented(self) -> dict[str, set[str]]:
        """First key → inner keys (empty for a plain field) of every documented field."""
        known: dict[str, set[str]] = {}
        for each in self.fields:
            for path in (each.path, each.also):
                if path:
                    known.setdefault(path[0], set()).update(path[1:])
        for child in self.children:
            known |= {key: set() for key in child.keys if key not in known}
        return known

    @cached_property
    def volatile(self) -> list[tuple[str, ...]]:
        """Paths of the fields that take no part in the hash."""
        return [each.path for each in self.fields if each.volatile]

    def record_id(self, record: Record) -> str | None:
        """Return the record's key as text, or None when it has no usable one."""
        value = record.get(self.key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value if isinstance(value, str) and value else None

    def stamps(self, records: Sequence[Record]) -> Moments:
        """Return the vendor's change stamps of these records, UTC; None where there is none."""
        declared = next(each for each in self.fields if each.column == self.stamp)
        return moments([record.get(declared.path[0]) for record in records])

    def fingerprint(self, record: Record, context: bytes = b"") -> str:
        """Return the versioned hash of a record's content, what lies left out."""
        return digest(without(record, self.volatile) if self.volatile else record, context)

    def rows(
        self,
        records: Sequence[Record],
        *,
        ids: Sequence[str | None],
        hashes: Sequence[str],
        observed: Sequence[datetime],
        tenant_id: str,
        scan_id: str,
        scopes: Sequence[str],
        context: Context,
    ) -> Rows:
        """Return these records as rows of the log, each an upsert."""
        count, columns = len(records), dict[str, pa.Array]()
        rejects: list[tuple[int, Reject]] = []

        def take(name: str, made: tuple[pa.Array, list[Bad]], sent: Any) -> None:
            columns[name] = made[0]
            rejects.extend((at, Reject.of(ids[at], name, why, sent[at])) for at, why in made[1])

        parents: dict[str, list[Record]] = {}
        for each in self.fields:
            if each.column == self.key:
                columns[self.key] = pa.array(ids, pa.string())
                continue
            values = _values(records, each, parents, ids, rejects)
            take(each.column, column(each.kind, values), values)
        for derived in self.derived:
            origin = columns[derived.source] if derived.source else None
            if derived.value:
                made = [derived.value(record, context) for record in records]
                origin = pa.array(made, derived.kind.arrow)
            if derived.clean:
                take(derived.column, derived.clean(origin, count, context), origin)
            elif origin is not None:
                columns[derived.column] = origin
        extra, unknown = self._extra(records)
        columns["_extra"] = pa.array(extra, pa.string())
        columns["_op"] = pa.repeat("upsert", count)
        columns["_observed_at"] = pa.array(observed, Kind.TIMESTAMP.arrow)
        columns["_scan_id"] = pa.repeat(scan_id, count)
        columns["_row_hash"] = pa.array(hashes, pa.string())
        columns["tenant_id"] = pa.repeat(tenant_id, count)
        if self.scope:
            columns[self.scope] = pa.array(scopes, pa.string())
        table = pa.table([columns[name] for name in self.schema.names], schema=self.schema)
        return Rows(table, rejects, unknown)

    def deletions(
        self, keys: Sequence[tuple[str, str]], observed: datetime, *, tenant_id: str, scan_id: str
    ) -> pa.Table:
        """Return one delete row for each (scope, id)."""
        filled: dict[str, pa.Array] = {
            "tenant_id": pa.repeat(tenant_id, len(keys)),
            self.key: pa.array([record_id for _, record_id in keys], pa.string()),
            "_op": pa.repeat("delete", len(keys)),
            "_observed_at": pa.array([observed] * len(keys), Kind.TIMESTAMP.arrow),
            "_scan_id": pa.repeat(scan_id, len(keys)),
        }
        if self.scope:
            filled[self.scope] = pa.array([scope for scope, _ in keys], pa.string())
        empty = {
            each.name: pa.nulls(len(keys), each.type)
            for each in self.schema
            if each.name not in filled
        }
        columns = {**filled, **empty}
        return pa.table([columns[name] for name in self.schema.names], schema=self.schema)

    def _extra(self, records: Sequence[Record]) -> tuple[list[str | None], set[str]]:
        """Return what nobody documented, as JSON for each record, and the names of it."""
        known, extras, unknown = self.documented, list[str | None](), set[str]()
        nested = [key for key, inner in known.items() if inner]
        # Most records have the same keys in the same order.
        others = dict[tuple[str, ...], list[str]]()
        for record in records:
            keys = tuple(record)
            if keys not in others:
                others[keys] = [key for key in keys if key not in known]
            found = {key: record[key] for key in others[keys]}
            for key in nested:
                inner = record.get(key)
                if isinstance(inner, dict) and not inner.keys() <= known[key]:
                    found |= {f"{key}.{k}": v for k, v in inner.items() if k not in known[key]}
            extras.append(canonical(found).decode() if found else None)
            unknown.update(found)
        return extras, unknown


def _values(
    records: Sequence[Record],
    declared: Field,
    parents: dict[str, list[Record]],
    ids: Sequence[str | None],
    rejects: list[tuple[int, Reject]],
) -> list[Any]:
    """Return one field of every record as sent, None where it is absent."""
    if len(declared.path) == 1:
        key = declared.path[0]
        if declared.also:
            older = declared.also[0]
            return [record.get(key, record.get(older)) for record in records]
        try:
            return list(map(itemgetter(key), records))
        except KeyError:
            return [record.get(key) for record in records]
    outer, inner = declared.path
    if outer not in parents:
        parents[outer] = []
        for index, record in enumerate(records):
            value = record.get(outer)
            if value is not None and not isinstance(value, dict):
                why = Reject.of(ids[index], outer, "not an object", value)
                rejects.append((index, why))
            parents[outer].append(value if isinstance(value, dict) else {})
    if not declared.also:
        return [value.get(inner) for value in parents[outer]]
    older = declared.also[-1]
    return [value.get(inner, value.get(older)) for value in parents[outer]]
