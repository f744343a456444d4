"""The warehouse's DuckDB file: opened when nobody else has it, frugal, and rewritten."""

from __future__ import annotations

import math
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from pipelines import settings
from sources.errors import ConfigError, Locked

_LOCKED = re.compile(r"lock on file|being used by another process", re.IGNORECASE)
_SIZE = re.compile(r"([\d.]+)\s*([kmgt]?)i?b", re.IGNORECASE)
_HOLDER = re.compile(r"\(PID (\d+)\)")
# Rows of a log have no order of their own; keeping one would cost memory, every thread that writes
# has memory of its own, and what is free is given back.
_FRUGAL = """
set preserve_insertion_order = false; set threads = 1;
set allocator_background_threads = true; set allocator_flush_threshold = '8MB'
"""
_TO_COPY = "256MB"


class File:
    """A DuckDB file that is open for writing."""

    def __init__(self, path: Path) -> None:
        self._path, self.limit = path, ""
        self.connection: Any = None

    def open(self, limit: str) -> None:
        """Open the file, anew if it is open, with this much memory."""
        self.close()
        self.connection = opened(self._path, read_only=False)
        _limit_memory(self.connection, limit)
        self.limit = limit
        self.connection.execute(_FRUGAL)

    def rewrite(self) -> None:
        """Put a copy into the file's place: what was deleted stays in the old one's blocks.

        Nobody can have the file meanwhile, and who waits for it finds the new one.

        Raises:
            duckdb.Error, OSError: It could not be copied; the file is as it was.
        """
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        name = self.connection.execute("select current_database()").fetchone()[0]
        target = str(fresh).replace("'", "''")
        try:
            self.connection.execute("checkpoint")
            _limit_memory(self.connection, max(self.limit, _TO_COPY, key=size_of))
            # Nobody else may read the copy, from its first byte on.
            mask = os.umask(0o077)
            try:
                self.connection.execute(f"attach '{target}' as fresh")
                self.connection.execute(f'copy from database "{name}" to fresh')
                self.connection.execute("detach fresh")
            finally:
                os.umask(mask)
            old = self._path.stat()
            if (old.st_uid, old.st_gid) != (os.getuid(), os.getgid()):
                os.chown(fresh, old.st_uid, old.st_gid)
            shutil.copymode(self._path, fresh)
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        """Close it, if it is open."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def size_of(size: str) -> float:
    """Return a size such as 96MB in bytes; infinity for what DuckDB says in another way."""
    found = _SIZE.fullmatch(size.strip())
    return float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ") if found else math.inf


def _limit_memory(connection: Any, limit: str) -> None:
    import duckdb

    try:
        connection.execute("set memory_limit = ?", [limit])
    except duckdb.Error:
        raise ConfigError(
            "destination.warehouse.memory_limit is not a size such as 96MB. Nothing was read"
        ) from None


def opened(file: Path, *, read_only: bool) -> Any:
    """Open the file, waiting for whoever holds it; the wait doubles to two seconds."""
    import duckdb

    patience = settings.number("destination.warehouse.lock_wait_seconds", 30)
    deadline, pause = time.monotonic() + patience, 0.05
    while True:
        before = file.stat().st_ino if file.exists() else None
        try:
            connection = duckdb.connect(str(file), read_only=read_only)
            if before in (None, file.stat().st_ino):
                return connection
            # Another one was put into its place meanwhile.
            connection.close()
            continue
        except duckdb.IOException as error:
            if not _LOCKED.search(str(error)):
                raise ConfigError(
                    f"destination.warehouse.credentials: {file.name} cannot be opened as a DuckDB "
                    "file. Nothing was read"
                ) from None
            if time.monotonic() >= deadline:
                holder = _HOLDER.search(str(error))
                who = f"process {holder[1]}" if holder else "another process"
                raise Locked(
                    f"{who} has {file.name} open, and it was not closed within {patience:.0f} s. "
                    "Nothing was changed and nothing is lost; close it, or let the next schedule "
                    "try again"
                ) from None
        time.sleep(pause)
        pause = min(2.0, pause * 2)
