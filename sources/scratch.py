"""A scan's own memory: what was known, what it has seen, how far it came.

A small embedded database in the working folder, so that comparing a million records takes disk,
not memory. It is a cache and nothing more: when it is lost or does not fit what the destination
says, the scan starts at its first page and comes to the same result.

Every question is one of keys, a few thousand at a time, which SQLite answers through its index; an
engine for analysis reads all there is for each of them (DECISIONS.md has the figures).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import orjson
import pyarrow as pa

from sources.cache import GIVEN, column, insert, opened, remove
from sources.kin_memory import KIN_TABLES, KinMemory
from sources.known import HEAD, rows_of

# What is known lies in the order of its keys, in which the log tells it. What is seen comes in any
# order: in that of its keys each record would cost a page read and one written. It lies as it came,
# and an index of a few bytes each finds it: `short` is a checksum of the id.
_TABLES = (
    "known (scope text, id text, hash text, op text, primary key (scope, id)) without rowid",
    "seen (scope text, id text, short integer, hash text, part integer)",
    "progress (part integer primary key, facts text)",
    *KIN_TABLES,
    "temp.incoming (position integer, scope text, id text, short integer, hash text, "
    "primary key (scope, id)) without rowid",
)
_SEEN_BEFORE = "s.scope = i.scope and s.short = i.short and s.id = i.id"
# Raise it with any change to the tables: a file of another form is begun anew.
_FORM = 3


class News(NamedTuple):
    """Which of the records given say something new, and whom of these somebody knew before.

    `places` are positions, rising; `met` are ids the log holds as alive or the scan had seen. What
    is new of any other is all there is of it.
    """

    places: list[int]
    met: set[str]


class Scratch:
    """Keeps one scan's keys; with `path` None in a nameless file, for scans that never resume."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        # Saved part by part: what follows the last save is of no use to anybody.
        self._db = opened(path, _TABLES, _FORM)
        self._db.execute("create index if not exists seen_short on seen (scope, short)")
        self.kin = KinMemory(self._db)

    def close(self) -> None:
        """Close the file and keep it."""
        self._db.close()

    def discard(self) -> None:
        """Close the file and remove it."""
        self.close()
        if self.path is not None:
            remove(self.path)

    def resume(self, part: int, scan_id: str) -> dict[str, Any] | None:
        """Return the facts saved with this part of this scan, or None: then it starts anew.

        What was written after that part never reached the destination and is forgotten.
        """
        row = self._db.execute("select facts from progress where part = ?", [part]).fetchone()
        facts: dict[str, Any] | None = json.loads(row[0]) if row else None
        # What the log holds is asked anew: it has all that was landed so far.
        self.kin.forget_all()
        self._forget("known")
        if facts is None or facts.get("scan_id") != scan_id:
            self._forget("seen", "progress")
            return None
        self._db.execute("delete from seen where part > ?", [part])
        self._db.execute("delete from progress where part > ?", [part])
        return facts

    def _forget(self, *tables: str) -> None:
        for table in tables:
            self._db.execute(f"delete from {table}")

    def save(self, part: int, facts: dict[str, Any]) -> None:
        """Remember how far the scan is at the end of this part."""
        self._db.execute("insert into progress values (?, ?)", [part, json.dumps(facts)])
        self._db.execute("commit")
        self._db.execute("begin")

    def forget_half_read(self, kept: Sequence[str]) -> None:
        """Keep only what was seen of these scopes: the others are read again from their start."""
        self._db.execute(f"delete from seen where scope not in {GIVEN}", [json.dumps(kept)])

    def forget_seen(self, scope: str) -> None:
        """Forget what was seen of this scope, but for what the log has been told of it."""
        told = "select scope, id, hash, 'upsert' from seen where scope = ?"
        self._db.execute(f"insert or replace into known {told}", [scope])
        self._db.execute("delete from seen where scope = ?", [scope])

    def forget_known(self) -> None:
        """Forget what the log holds, before all of it is loaded."""
        self._forget("known")

    def learn(self, heads: pa.Table) -> None:
        """Add what the log holds of these keys: `heads` is (scope, id, hash, op)."""
        rows = rows_of(heads, *HEAD)
        self._db.executemany("insert or replace into known values (?, ?, ?, ?)", rows)

    def unlearned(self, ids: Sequence[str]) -> list[str]:
        """Return which of these ids the log has not been asked about."""
        query = (
            f"select distinct value from {GIVEN} where not exists "
            "(select 1 from known where scope = '' and id = value)"
        )
        return self._column(query, json.dumps(ids))

    def changed(
        self, scopes: Sequence[str], ids: Sequence[str], hashes: Sequence[str | None], part: int
    ) -> News:
        """Mark these records as seen; return those that say something new.

        A key that comes twice is compared with what was seen of it last; the later one stands.
        A hash of None says that the record is deleted, which is new only of one that was alive.
        """
        self._db.execute("delete from incoming")
        places = range(len(ids))
        rows = list(zip(places, scopes, ids, map(_short, ids), hashes, strict=True))
        insert(self._db, "insert or replace into incoming", rows)
        told = self._db.execute(f"""
            with compared as (
                select position, s.id is not null as again, k.id is not null as was,
                    case when s.id is null then k.hash else s.hash end is not i.hash as is_new
                from incoming i
                left join seen s on {_SEEN_BEFORE}
                left join known k on k.scope = i.scope and k.id = i.id and k.op = 'upsert'
            )
            select json_group_array(position) filter (where is_new),
                json_group_array(position) filter (where is_new and (again or was)),
                json_group_array(position) filter (where again) from compared
        """).fetchone()
        new, met, again = map(orjson.loads, told)
        self._see(part, "where position not in " + GIVEN, told[2])
        self._db.executemany(
            "update seen set hash = ?, part = ? where scope = ? and short = ? and id = ?",
            (
                (hashes[at], part, scopes[at], _short(ids[at]), ids[at])
                for at in set(new).intersection(again)
            ),
        )
        return News(sorted(new), {ids[at] for at in met})

    def _see(self, part: int, which: str, *values: object) -> None:
        """Note those that came as seen."""
        what = f"select scope, id, short, hash, ? from incoming i {which}"
        self._db.execute(f"insert into seen {what}", [part, *values])

    def missing(self, scope: str) -> list[str]:
        """Return the ids the log holds as alive in this scope and the scan did not see."""
        # Both are read once, in the order of ids; looked up one by one each would take two pages.
        return self._column(
            "select id from known where scope = ? and op = 'upsert' except "
            f"select id from seen {_indexed(scope)} where scope = ? order by id",
            scope,
            scope,
        )

    def seen_in(self, scope: str) -> list[str]:
        """Return the ids the scan has seen in this scope."""
        return self._column(f"select id from seen {_indexed(scope)} where scope = ?", scope)

    def hashes(self, ids: Sequence[str], *, seen: bool = False) -> dict[str, str]:
        """Return the hash of those of these ids that the log holds as alive, or the scan has seen.

        What is taken counts as seen when it is flushed.
        """
        given, short = json.dumps(ids), json.dumps(list(map(_short, ids)))
        source, values = "known where op = 'upsert'", [given]
        if seen:
            source, values = f"seen where short in {GIVEN}", [short, given]
        rows = self._db.execute(
            f"select id, hash from {source} and scope = '' and id in {GIVEN}", values
        )
        return {record_id: mark or "" for record_id, mark in rows}

    def see(self, ids: Sequence[str], part: int) -> None:
        """Mark ids as seen and unchanged."""
        was = self.hashes(ids)
        self._db.execute("delete from incoming")
        rows = [(at, "", one, _short(one), was[one]) for at, one in enumerate(was)]
        insert(self._db, "insert into incoming", rows)
        self._see(part, f"where not exists (select 1 from seen s where {_SEEN_BEFORE})")

    def knows_any(self) -> bool:
        """Tell whether the log held anything before the scan."""
        return bool(self._column("select exists (select 1 from known)")[0])

    def alive(self, scope: str) -> int:
        """Return how many records of this scope the log held as alive before the scan."""
        return self._count("from known where scope = ? and op = 'upsert'", scope)

    def seen(self, scope: str) -> int:
        """Return how many different records of this scope the scan has seen."""
        return self._count("from seen where scope = ?", scope)

    def scopes(self) -> list[str]:
        """Return the scopes in which the log holds anything alive."""
        return self._column("select distinct scope from known where op = 'upsert' order by 1")

    def _count(self, rest: str, scope: str) -> int:
        return int(self._db.execute(f"select count(*) {rest}", [scope]).fetchone()[0])

    def _column(self, query: str, *values: object) -> list[str]:
        return column(self._db, query, *values)


def _short(record_id: str) -> int:
    return crc32(record_id.encode())


def _indexed(scope: str) -> str:
    """Tell SQLite to read what has no scope as it lies: that is all there is."""
    return "" if scope else "not indexed"
