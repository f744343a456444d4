"""A scan's own memory: what was known, what it has seen, how far it came.

An embedded database beside the warehouse, so that comparing a million records takes disk, not
memory. It is a cache and nothing more: when it is lost or does not fit what the destination says,
the scan starts at its first page and comes to the same result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_TABLES = """
create table if not exists known (scope text, id text, hash text, op text);
create table if not exists seen (scope text, id text, hash text, part integer);
create table if not exists progress (part integer, facts text);
create table if not exists kin (resource text, scope text, id text, hash text);
create table if not exists asked (id text);
"""


_NAMES = count(1)


class Scratch:
    """Keeps one scan's keys; `path` None keeps them in memory, for scans that never resume."""

    def __init__(self, path: Path | None, within: duckdb.DuckDBPyConnection) -> None:
        self.path = path
        self._db = within.cursor()
        self._name = f"scan{next(_NAMES)}"
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._attach()
        except duckdb.Error:
            # Torn by a crash: it was only a cache.
            self._remove()
            self._attach()
        self._db.execute(_TABLES)
        # Saved part by part: what follows the last save is of no use to anybody.
        self._db.begin()

    def _attach(self) -> None:
        place = str(self.path or ":memory:").replace("'", "''")
        self._db.execute(f"attach '{place}' as {self._name}; use {self._name}")

    def close(self) -> None:
        """Close the file and keep it."""
        self._db.rollback()
        self._db.execute(f"use memory; detach {self._name}")
        self._db.close()

    def discard(self) -> None:
        """Close the file and remove it."""
        self.close()
        self._remove()

    def _remove(self) -> None:
        if self.path is not None:
            for path in (self.path, self.path.with_name(self.path.name + ".wal")):
                path.unlink(missing_ok=True)

    def resume(self, part: int, scan_id: str) -> dict[str, Any] | None:
        """Return the facts saved with this part of this scan, or None: then it starts anew.

        What was written after that part never reached the destination and is forgotten.
        """
        row = self._db.execute("select facts from progress where part = ?", [part]).fetchone()
        facts: dict[str, Any] | None = json.loads(row[0]) if row else None
        # What the log holds of children is asked anew: it has all that was landed so far.
        self._db.execute("delete from kin; delete from asked")
        if facts is None or facts.get("scan_id") != scan_id:
            self._db.execute("delete from known; delete from seen; delete from progress")
            return None
        self._db.execute("delete from seen where part > ?", [part])
        self._db.execute("delete from progress where part > ?", [part])
        return facts

    def save(self, part: int, facts: dict[str, Any]) -> None:
        """Remember how far the scan is at the end of this part."""
        self._db.execute("insert into progress values (?, ?)", [part, json.dumps(facts)])
        self._db.commit()
        self._db.begin()

    def forget_half_read(self, kept: Sequence[str]) -> None:
        """Keep only what was seen of these scopes: the others are read again from their start."""
        self._db.execute("delete from seen where not list_contains(?, scope)", [list(kept)])

    def forget_seen(self, scope: str) -> None:
        """Forget what was seen of this scope, but for what the log has been told of it."""
        theirs = "(select id from seen where scope = $scope)"
        for change in (
            f"delete from known where scope = $scope and id in {theirs}",
            "insert into known select scope, id, hash, 'upsert' from seen where scope = $scope",
            "delete from seen where scope = $scope",
        ):
            self._db.execute(change, {"scope": scope})

    def forget_known(self) -> None:
        """Forget what the log holds, before all of it is loaded."""
        self._db.execute("delete from known")

    def learn(self, heads: pa.Table) -> None:  # noqa: ARG002
        """Add what the log holds of these keys: `heads`, read by its name."""
        self._db.execute("insert into known select scope, id, hash, op from heads")

    def unlearned(self, ids: Sequence[str]) -> list[str]:
        """Return which of these ids the log has not been asked about."""
        keys = pa.table({"id": pa.array(ids, pa.string())})  # noqa: F841  read by name below
        rows = self._db.execute(
            "select distinct id from keys where id not in (select id from known)"
        )
        return [row[0] for row in rows.fetchall()]

    def changed(
        self, scopes: Sequence[str], ids: Sequence[str], hashes: Sequence[str | None], part: int
    ) -> list[int]:
        """Mark these records as seen; return the positions of those that say something new.

        A key that comes twice is compared with what was seen of it last; the later one stands.
        A hash of None says that the record is deleted, which is new only of one that was alive.
        """
        last = dict(zip(zip(scopes, ids, strict=True), range(len(ids)), strict=True))
        incoming = pa.table(
            {
                "position": pa.array(range(len(ids)), pa.int32()),
                "scope": pa.array(scopes, pa.string()),
                "id": pa.array(ids, pa.string()),
                "hash": pa.array(hashes, pa.string()),
            }
        )
        if len(last) < len(ids):
            incoming = incoming.take(sorted(last.values()))
        compared = self._db.execute("""
            select i.position, s.id is not null as again,
                case when s.id is null then k.hash else s.hash end is distinct from i.hash as new
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

    def hashes(self, ids: Sequence[str], *, seen: bool = False) -> dict[str, str]:
        """Return the hash of those of these ids that the log holds as alive, or the scan has seen.

        What is taken counts as seen when it is flushed.
        """
        keys = pa.table({"id": pa.array(ids, pa.string())})  # noqa: F841  read by name below
        source = "seen where" if seen else "known where op = 'upsert' and"
        rows = self._db.execute(f"select id, hash from {source} id in (select id from keys)")
        return {record_id: mark or "" for record_id, mark in rows.fetchall()}

    def see(self, ids: Sequence[str], part: int) -> None:
        """Mark ids as seen and unchanged."""
        keys = pa.table({"id": pa.array(ids, pa.string())})  # noqa: F841  read by name below
        self._db.execute(
            "insert into seen select known.scope, known.id, known.hash, ? from known "
            "semi join keys on keys.id = known.id anti join seen on seen.id = known.id",
            [part],
        )

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
        return int(self._db.execute(f"select count(*) {rest}", [scope]).fetchall()[0][0])

    def kin_learn(self, resource: str, heads: pa.Table, *, everyone: bool) -> None:  # noqa: ARG002
        """Add the children the log holds as alive; of everyone: of those not asked for before."""
        others = "and scope not in (select id from asked)" if everyone else ""
        self._db.execute(
            f"insert into kin select ?, scope, id, hash from heads where op = 'upsert' {others}",
            [resource],
        )

    def unasked(self, ids: Sequence[str]) -> list[str]:
        """Return which parents' children were not asked for yet, and take note that they are."""
        keys = pa.table({"id": pa.array(ids, pa.string())})  # noqa: F841  read by name below
        rows = self._db.execute(
            "insert into asked select distinct id from keys anti join asked using (id) returning id"
        )
        return [row[0] for row in rows.fetchall()]

    def asked(self, ids: Sequence[str]) -> set[str]:
        """Return which of these parents' children were asked for."""
        keys = pa.table({"id": pa.array(ids, pa.string())})  # noqa: F841  read by name below
        rows = self._db.execute("select id from asked semi join keys using (id)")
        return {row[0] for row in rows.fetchall()}

    def kin_changes(
        self,
        resource: str,
        parents: Sequence[str],
        scopes: Sequence[str],
        ids: Sequence[str],
        hashes: Sequence[str],
    ) -> tuple[list[int], list[tuple[str, str]]]:
        """Replace these parents' children; return positions of new ones, (parent, id) of gone ones.

        `scopes` (the parent), `ids` and `hashes` tell of each child now; a key stands once.
        """
        texts = pa.string()
        theirs = pa.table({"scope": pa.array(parents, texts)})  # noqa: F841  read by name below
        batch = pa.table(  # noqa: F841  read by name below
            {
                "position": pa.array(range(len(ids)), pa.int32()),
                "scope": pa.array(scopes, texts),
                "id": pa.array(ids, texts),
                "hash": pa.array(hashes, texts),
            }
        )
        told = self._db.execute(
            "create or replace temp table held as select scope, id, hash from kin "
            "semi join theirs using (scope) where resource = ?",
            [resource],
        ).fetchone()
        if not told or not told[0]:
            # Nobody had any before, as in a first load: all are new.
            self._db.execute("insert into kin select ?, scope, id, hash from batch", [resource])
            return list(range(len(ids))), []
        new = self._db.execute(
            "select position from batch anti join held using (scope, id, hash) order by 1"
        ).fetchall()
        gone = self._db.execute(
            "select scope, id from held anti join batch using (scope, id) order by 1, 2"
        ).fetchall()
        self._db.execute(
            "delete from kin where resource = ? and scope in (select scope from held)", [resource]
        )
        self._db.execute("insert into kin select ?, scope, id, hash from batch", [resource])
        return [row[0] for row in new], [(scope, key) for scope, key in gone]

    def kin_counts(self, resource: str) -> dict[str, int]:
        """Return how many parents hold each child."""
        rows = self._db.execute(
            "select id, count(*) from kin where resource = ? group by id", [resource]
        )
        return dict(rows.fetchall())

    def kin_holders(self, resource: str, key: str) -> set[str]:
        """Return the parents that hold a child."""
        rows = self._db.execute(
            "select scope from kin where resource = ? and id = ?", [resource, key]
        )
        return {row[0] for row in rows.fetchall()}

    def kin_forget(self, resource: str, key: str, parents: Sequence[str]) -> None:
        """Take a child from these parents."""
        self._db.execute(
            "delete from kin where resource = ? and id = ? and list_contains(?, scope)",
            [resource, key, list(parents)],
        )
