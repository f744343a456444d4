"""What a scan remembers of its records' children: who holds which, by parent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from itertools import repeat

import pyarrow as pa

from sources.cache import GIVEN, column, insert
from sources.known import HEAD, rows_of

KIN_TABLES = (
    "kin (resource text, scope text, id text, hash text)",
    "asked (id text primary key) without rowid",
)


class KinMemory:
    """Keeps the children of one scan in its database; a child's scope is its parent."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._learned = False

    def forget_all(self) -> None:
        """Forget all of it: the log is asked anew."""
        self._db.execute("drop index if exists kin_key")
        for table in ("kin", "asked"):
            self._db.execute(f"delete from {table}")

    def learn(self, resource: str, heads: pa.Table, *, everyone: bool) -> None:
        """Add the children the log holds as alive; of everyone: of those not asked for before."""
        self._learned = self._learned or heads.num_rows > 0
        others = "and ? not in (select id from asked)" if everyone else ""
        self._db.executemany(
            f"insert or replace into kin select ?, ?, ?, ? where ? = 'upsert' {others}",
            (
                (resource, scope, key, mark, op, *((scope,) if everyone else ()))
                for scope, key, mark, op in rows_of(heads, *HEAD)
            ),
        )

    def unasked(self, ids: Sequence[str]) -> list[str]:
        """Return which parents' children were not asked for yet, and take note that they are."""
        query = f"select distinct value from {GIVEN} where value not in (select id from asked)"
        fresh = column(self._db, query, json.dumps(ids))
        self._db.executemany("insert into asked values (?)", ((one,) for one in fresh))
        return fresh

    def asked(self, ids: Sequence[str]) -> set[str]:
        """Return which of these parents' children were asked for."""
        query = f"select id from asked where id in {GIVEN}"
        return set(column(self._db, query, json.dumps(ids)))

    def changes(
        self,
        resource: str,
        parents: Sequence[str],
        scopes: Sequence[str],
        ids: Sequence[str],
        hashes: Sequence[str],
        met: Collection[str],
    ) -> tuple[list[int], list[tuple[str, str]]]:
        """Replace these parents' children; return positions of new ones, (parent, id) of gone ones.

        `scopes` (the parent), `ids` and `hashes` tell of each child now; a key stands once. Parents
        that were not `met` before hold none, where the log told of none: they are not looked for,
        and in a first load there is no index to keep.
        """
        asked = parents if self._learned else [one for one in parents if one in met]
        held = self._held(resource, asked) if asked else {}
        rows = list(zip(repeat(resource, len(ids)), scopes, ids, hashes, strict=True))
        new, gone = list(range(len(ids))), list[tuple[str, str]]()
        if held:
            keys = list(zip(scopes, ids, strict=True))
            new = [at for at, key in enumerate(keys) if held.get(key) != hashes[at]]
            rows = [rows[at] for at in new]
            gone = sorted(held.keys() - set(keys))
        insert(self._db, "insert or replace into kin", rows)
        self._take(resource, gone)
        return new, gone

    def _held(self, resource: str, parents: Sequence[str]) -> dict[tuple[str, str], str]:
        """Return the hash of each (parent, id)."""
        self._index()
        query = f"select scope, id, hash from kin where resource = ? and scope in {GIVEN}"
        rows = self._db.execute(query, [resource, json.dumps(parents)])
        return {(scope, key): mark for scope, key, mark in rows}

    def _index(self) -> None:
        self._db.execute("create unique index if not exists kin_key on kin (resource, scope, id)")

    def counts(self, resource: str) -> dict[str, int]:
        """Return how many parents hold each child."""
        rows = self._db.execute(
            "select id, count(*) from kin where resource = ? group by id", [resource]
        )
        return dict(rows)

    def holders(self, resource: str, key: str) -> set[str]:
        """Return the parents that hold a child."""
        query = "select scope from kin where resource = ? and id = ?"
        return set(column(self._db, query, resource, key))

    def forget(self, resource: str, key: str, parents: Sequence[str]) -> None:
        """Take a child from these parents."""
        self._take(resource, [(parent, key) for parent in parents])

    def _take(self, resource: str, gone: Sequence[tuple[str, str]]) -> None:
        if gone:
            self._index()
        self._db.executemany(
            "delete from kin where resource = ? and scope = ? and id = ?",
            ((resource, parent, key) for parent, key in gone),
        )
