"""What the change log already holds, asked of the destination the rows are landed in.

The destination is the truth: local files are a cache, and a restored or copied warehouse gives
the same answers. The queries are plain enough for any SQL destination of dlt.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import dlt
import pyarrow as pa
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from sources.erased import TABLE as ERASURES
from sources.erased import Erased
from sources.payload import Record
from sources.records import Shape

# What `Log.heads` yields.
HEAD = ("scope", "id", "hash", "op")
_CHUNK = 50_000
# Keys in one question.
_AT_ONCE = 1_000


@dataclass
class Log:
    """The log one pipeline lands in; every method is empty where nothing has been landed."""

    pipeline: dlt.Pipeline
    _observed: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @cached_property
    def _client(self) -> Any:
        # Making one resolves dlt's whole configuration; entering it again is cheap.
        return self.pipeline.sql_client()

    @cached_property
    def dialect(self) -> str:
        """The destination's SQL, by sqlglot's name."""
        return self._client.capabilities.sqlglot_dialect or ""

    def _among(self, column: str, ids: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Return a condition, that a column holds one of these, and the values it is asked with.

        DuckDB looks for pandas with each value it is given, 0.15 ms a time: it is given one.
        """
        if self.dialect == "duckdb":
            named = "select unnest(from_json(%s, '[\"VARCHAR\"]'))"
            return f"and {column} in ({named})", [json.dumps(list(ids))]
        return f"and {column} in ({', '.join(['%s'] * len(ids))})", ids

    def heads(
        self,
        shape: Shape,
        tenant_id: str,
        ids: Sequence[str] | None = None,
        *,
        by: str | None = None,
        until: datetime | None = None,
    ) -> Iterator[pa.Table]:
        """Yield the last row of each key of a tenant as (scope, id, hash, op).

        Args:
            shape: The table.
            tenant_id: The tenant.
            ids: Limits the answer to these; None means all of the tenant.
            by: The column `ids` are of; the key unless given.
            until: Leaves out what was seen later.
        """
        scope = shape.scope or "''"
        # A window over a constant too takes DuckDB twice as long.
        key = f"{shape.scope}, {shape.key}" if shape.scope else shape.key
        if ids is not None and not ids:
            return
        limit, values = self._among(by or shape.key, ids) if ids else ("", ())
        bound = () if until is None else (until,)
        limit += " and _observed_at <= %s" if bound else ""
        # Of everything in the order of the keys, as it will be kept, where that costs little.
        order = "order by scope, id" if ids is None and self.dialect == "duckdb" else ""
        yield from self._query(
            shape.resource,
            f"""
            select scope, id, hash, op from (
                select {scope} as scope, {shape.key} as id, _row_hash as hash, _op as op,
                    row_number() over (
                        partition by {key} order by _observed_at desc
                    ) as age
                from {{table}} where tenant_id = %s {limit}
            ) as observed where age = 1 {order}
            """,
            tenant_id,
            *values,
            *bound,
        )

    def holders(
        self, shape: Shape, tenant_id: str, *, until: datetime | None = None
    ) -> dict[str, int]:
        """Return, for each key of a child, in how many scopes the log holds it as alive."""
        found: dict[str, int] = {}
        bound = () if until is None else (until,)
        limit = " and _observed_at <= %s" if bound else ""
        for table in self._query(
            shape.resource,
            f"""
            select id, count(*) as holders from (
                select {shape.key} as id, _op as op, row_number() over (
                    partition by {shape.scope}, {shape.key} order by _observed_at desc
                ) as age
                from {{table}} where tenant_id = %s{limit}
            ) as observed where age = 1 and op = 'upsert' group by id
            """,
            tenant_id,
            *bound,
        ):
            found.update(rows_of(table, "id", "holders"))
        return found

    def erased(self, tenant_id: str) -> Erased:
        """Return who of a tenant was erased, and is to be landed no more."""
        pairs = list[tuple[str, str]]()
        for table in self._query(
            ERASURES,
            """
            select salt, customer_hash from (
                select salt, customer_hash, _op as op, row_number() over (
                    partition by salt, customer_hash order by _observed_at desc
                ) as age
                from {table} where tenant_id = %s
            ) as told where age = 1 and op = 'upsert'
            """,
            tenant_id,
        ):
            pairs += rows_of(table, "salt", "customer_hash")
        return Erased.of(tenant_id, pairs)

    def not_older(
        self, shape: Shape, tenant_id: str, ids: Sequence[str], records: Sequence[Record]
    ) -> list[int]:
        """Return the places of records not older, by the vendor's own stamp, than the log's."""
        held: dict[str, datetime] = {}
        for start in range(0, len(ids), _AT_ONCE):
            held |= self._stamps(shape, tenant_id, ids[start : start + _AT_ONCE])
        stamps = enumerate(shape.stamps(records))
        return [at for at, stamp in stamps if not (stamp and stamp < held.get(ids[at], stamp))]

    def _stamps(self, shape: Shape, tenant_id: str, ids: Sequence[str]) -> dict[str, datetime]:
        """Return the vendor's stamp in the last row of each of these keys, where there is one."""
        found: dict[str, datetime] = {}
        named, values = self._among(shape.key, ids)
        for table in self._query(
            shape.resource,
            f"""
            select {shape.key} as id, {shape.stamp} as stamp from (
                select {shape.key}, {shape.stamp}, row_number() over (
                    partition by {shape.key} order by _observed_at desc
                ) as age
                from {{table}} where tenant_id = %s {named}
            ) as observed where age = 1 and {shape.stamp} is not null
            """,
            tenant_id,
            *values,
        ):
            found.update(rows_of(table, "id", "stamp"))
        return found

    def last_observed(self, shape: Shape) -> datetime:
        """Return when the newest row was seen before this run; the beginning of time for none."""
        if shape.resource not in self._observed:
            self._observed[shape.resource] = datetime.min.replace(tzinfo=UTC)
            query = "select max(_observed_at) as seen from {table}"
            for table in self._query(shape.resource, query):
                seen = table.column("seen")[0].as_py()
                if isinstance(seen, datetime):
                    aware = seen if seen.tzinfo else seen.replace(tzinfo=UTC)
                    self._observed[shape.resource] = aware
        return self._observed[shape.resource]

    def _query(self, table: str, query: str, *values: object) -> Iterator[pa.Table]:
        # A scan may read on while another one is read and landed: they ask in turn.
        with self._lock, self._client as client:
            name = client.make_qualified_table_name(table)
            try:
                with client.execute_query(query.format(table=name), *values) as cursor:
                    yield from _arrow(cursor)
            except DatabaseUndefinedRelation:
                return


def rows_of(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """Return these columns of a table, row by row."""
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


def _arrow(cursor: Any) -> Iterator[pa.Table]:
    """Yield a cursor's rows as Arrow tables of bounded size."""
    for chunk in cursor.iter_arrow(chunk_size=_CHUNK):
        yield chunk if isinstance(chunk, pa.Table) else pa.Table.from_batches([chunk])
