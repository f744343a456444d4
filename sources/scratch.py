"""A scan's own memory: what was known, what it has seen, how far it came.

An embedded database beside the warehouse, so that comparing a million records takes disk, not
memory. It is a cache and nothing more: when it is lost or does not fit what the destination says,
the scan starts at its first page and comes to the same result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_TABLES = """
create table if not exists known (scope text, id text, hash text, op text);
create table if not exists seen (scope text, id text, hash text, part integer);
create table if not exists progress (part integer, facts text);
"""


class Scratch:
    """Keeps one scan's keys; `path` None keeps them in memory, for scans that never resume."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = self._open()
        except duckdb.Error:
            # Torn by a crash: it was only a cache.
            self.discard(closed=True)
            self._db = self._open()
        self._db.execute(_TABLES)

    def _open(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(
            str(self.path or ":memory:"), config={"memory_limit": "96MB", "threads": "2"}
        )

    def close(self) -> None:
        """Close the file and keep it."""
        self._db.close()

    def discard(self, *, closed: bool = False) -> None:
        """Close the file and remove it."""
        if not closed:
            # What is about to be removed need not be tidied first.
            self._db.execute("pragma disable_checkpoint_on_shutdown")
            self._db.close()
        if self.path is not None:
            for path in (self.path, self.path.with_name(self.path.name + ".wal")):
                path.unlink(missing_ok=True)

    def resume(self, part: int, scan_id: str) -> dict[str, Any] | None:
        """Return the facts saved with this part of this scan, or None: then it starts anew.

        What was written after that part never reached the destination and is forgotten.
        """
        row = self._db.execute("select facts from progress where part = ?", [part]).fetchone()
        facts: dict[str, Any] | None = json.loads(row[0]) if row else None
        if facts is None or facts.get("scan_id") != scan_id:
            self._db.execute("delete from known; delete from seen; delete from progress")
            return None
        self._db.execute("delete from seen where part > ?", [part])
        self._db.execute("delete from progress where part > ?", [part])
        return facts

    def save(self, part: int, facts: dict[str, Any]) -> None:
        """Remember how far the scan is at the end of this part."""
        self._db.execute("insert into progress values (?, ?)", [part, json.dumps(facts)])

    def forget_half_read(self, done: Sequence[str] | None) -> None:
        """Keep only what was seen of these scopes: the others are read again from their start."""
        if done is not None:
            self._db.execute("delete from seen where not list_contains(?, scope)", [list(done)])

    def forget_known(self) -> None:
        """Forget what the log holds, before all of it is loaded."""
        self._db.execute("delete from known")

    def learn(self, heads: pa.Table) -> None:
        """Add what the log holds of these keys."""
        self._db.register("heads", heads)
        self._db.execute("insert into known select scope, id, hash, op from heads")
        self._db.unregister("heads")

    def unlearned(self, ids: Sequence[str]) -> list[str]:
        """Return which of these ids the log has not been asked about."""
        keys = pa.table({"id": pa.array(ids, pa.string())})  # noqa: F841  read by name below
        rows = self._db.execute(
            "select distinct id from keys where id not in (select id from known)"
        )
        return [row[0] for row in rows.fetchall()]

    def changed(
        self, scopes: Sequence[str], ids: Sequence[str], hashes: Sequence[str], part: int
    ) -> list[int]:
        """Mark these records as seen; return the positions of those that say something new.

        A key that comes twice is compared with what was seen of it last; the later one stands.
        """
        batch = pa.table(  # noqa: F841  read by name below
            {
                "position": pa.array(range(len(ids)), pa.int32()),
                "scope": pa.array(scopes, pa.string()),
                "id": pa.array(ids, pa.string()),
                "hash": pa.array(hashes, pa.string()),
            }
        )
        self._db.execute("""
            create or replace temp table incoming as
            select * from batch
            qualify row_number() over (partition by scope, id order by position desc) = 1
        """)
        compared = self._db.execute("""
            select i.position, s.id is not null as again,
                coalesce(s.hash, k.hash) is distinct from i.hash as new
            from incoming i
            left join seen s on s.scope = i.scope and s.id = i.id
            left join known k on k.scope = i.scope and k.id = i.id and k.op = 'upsert'
            order by 1
        """).to_arrow_table()
        if pc.any(compared.column("again")).as_py():
            self._db.execute("""
                delete from seen where exists (
                    select 1 from incoming i where seen.scope = i.scope and seen.id = i.id)
            """)
        self._db.execute("insert into seen select scope, id, hash, ? from incoming", [part])
        new: list[int] = compared.filter(compared.column("new")).column("position").to_pylist()
        return new

    def missing(self, scope: str) -> list[str]:
        """Return the ids the log holds as alive in this scope and the scan did not see."""
        rows = self._db.execute(
            """
            select k.id from known k
            left join seen s on s.scope = k.scope and s.id = k.id
            where k.scope = ? and k.op = 'upsert' and s.id is null order by 1
            """,
            [scope],
        )
        return [row[0] for row in rows.fetchall()]

    def seen_in(self, scope: str) -> list[str]:
        """Return the ids the scan has seen in this scope."""
        rows = self._db.execute("select id from seen where scope = ?", [scope])
        return [row[0] for row in rows.fetchall()]

    def alive(self, scope: str) -> int:
        """Return how many records of this scope the log held as alive before the scan."""
        return self._count("from known where scope = ? and op = 'upsert'", scope)

    def seen(self, scope: str) -> int:
        """Return how many different records of this scope the scan has seen."""
        return self._count("from seen where scope = ?", scope)

    def scopes(self) -> list[str]:
        """Return the scopes in which the log holds anything alive."""
        rows = self._db.execute("select distinct scope from known where op = 'upsert' order by 1")
        return [row[0] for row in rows.fetchall()]

    def _count(self, rest: str, scope: str) -> int:
        row = self._db.execute(f"select count(*) {rest}", [scope]).fetchone()
        return int(row[0]) if row else 0
