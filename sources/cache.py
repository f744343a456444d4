"""A small database in a file that may be lost: torn, or of another form, it begins anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

_CACHE_KB = 8_000
# Keys in no order of their own touch most pages: fewer and larger ones are a fifth less work.
_PAGE = 32_768
# Keys to be looked up come as JSON, one value however many they are.
GIVEN = "(select value from json_each(?))"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def opened(path: Path | None, tables: Sequence[str], form: int) -> sqlite3.Connection:
    """Return the database in a file, its tables made and a transaction begun.

    Args:
        path: The file; None for one that has no name and goes when it is closed.
        tables: What follows `create table if not exists`.
        form: The number of this form of the tables.

    Raises:
        OperationalError: Somebody else holds the file, or the disk does not take it.
    """
    found = path if path is not None and path.exists() else None
    db = sqlite3.connect(str(path or ""), timeout=1, isolation_level=None, check_same_thread=False)
    try:
        if found and not _is_sound(db, form):
            db.close()
            remove(found)
            return opened(path, tables, form)
        db.execute(f"pragma page_size = {_PAGE}")
        db.execute(f"pragma cache_size = -{_CACHE_KB}")
        # What is sorted for an index grows with the account, and has no place in memory.
        db.execute("pragma temp_store = file")
        db.execute("begin")
        for table in tables:
            db.execute(f"create table if not exists {table}")
        db.execute(f"pragma user_version = {form}")
    except BaseException:
        db.close()
        raise
    return db


def insert(db: sqlite3.Connection, into: str, rows: Sequence[Sequence[object]]) -> None:
    """Run `insert into …` of all rows in one step: between two, another thread may take its turn.

    Args:
        db: The database.
        into: What stands before `select`.
        rows: Texts, numbers and None, as many in each. A text ends where it has a NUL, which no
            answer has (`sources.payload`).
    """
    if rows:
        fields = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(len(rows[0])))
        db.execute(f"{into} select {fields} from json_each(?)", [orjson.dumps(rows).decode()])


def column(db: sqlite3.Connection, query: str, *values: object) -> list[Any]:
    """Return the first column of what a query finds."""
    return [row[0] for row in db.execute(query, values)]


def remove(path: Path) -> None:
    """Remove a file, with what a crash may have left beside it."""
    for more in ("", "-journal"):
        path.with_name(path.name + more).unlink(missing_ok=True)


def _is_sound(db: sqlite3.Connection, form: int) -> bool:
    """Tell whether a file is of this form, and all of it can be read.

    A page is otherwise looked at when it is needed, and what needs it would fail in every run.
    """
    try:
        told = db.execute("pragma user_version").fetchone()
        return bool(told == (form,) and db.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _DAMAGED:
            return False
        raise
