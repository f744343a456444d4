"""The destination: where it is, one writer at a time, and its SQL.

A DuckDB file has one writer. A run opens it once, waiting within a bound for a reader to let go,
and hands that connection to dlt, so that nobody gets between extract, load and publish.
"""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.normalizers.naming import NamingConvention

from pipelines import project, settings
from sources.errors import ConfigError, Locked
from transforms.publish import Warehouse

# Rows of a log have no order of their own; keeping one would cost memory, every thread that writes
# has memory of its own, and what is free is given back.
_FRUGAL = """
set preserve_insertion_order = false; set threads = 1;
set allocator_background_threads = true; set allocator_flush_threshold = '8MB'
"""
_DEFAULT_FILE = "warehouse.duckdb"
_LOCKED = re.compile(r"lock on file|being used by another process", re.IGNORECASE)
_SIZE = re.compile(r"([\d.]+)\s*([kmgt]?)i?b", re.IGNORECASE)
_HOLDER = re.compile(r"\(PID (\d+)\)")


@dataclass(frozen=True)
class Place:
    """Where the destination is: its dlt type, and for DuckDB the file."""

    kind: str
    file: Path | None

    facts: str = ""

    @property
    def lock_name(self) -> str:
        """A name for this destination, and no other, that is safe in a file name."""
        digest = hashlib.blake2b(str(self.file or self.facts).encode(), digest_size=6).hexdigest()
        return f"{self.kind}-{digest}"

    @property
    def writers(self) -> int:
        """How many tables are loaded side by side: to a file with one writer, one."""
        return 20 if self.file is None else 1

    def lock_of(self, label: str) -> str:
        """Name the lock of one account's runs into this destination."""
        return f"{label}-{self.lock_name}"

    @property
    def folder(self) -> Path:
        """Where working data of this destination is: another one's would leave holes in it."""
        return project.data_dir() / "work" / self.lock_name


def place() -> Place:
    """Return the configured destination; `warehouse.duckdb` in the project folder by default."""
    kind: Any = dlt.config.get("destination.warehouse.destination_type") or "duckdb"
    if kind != "duckdb":
        facts: Any = dlt.secrets.get("destination.warehouse.credentials")
        return Place(str(kind), None, str(facts))
    value: Any = dlt.secrets.get("destination.warehouse.credentials")
    if value is not None and not isinstance(value, str):
        raise ConfigError(
            "destination.warehouse.credentials is not the path of a DuckDB file. Nothing was read"
        )
    path = str(value or _DEFAULT_FILE).removeprefix("duckdb:///")
    return Place("duckdb", (project.folder() / Path(path).expanduser()).resolve())


@contextmanager
def writing() -> Iterator[Any]:
    """Yield the dlt destination, opened for writing; held until the block ends.

    Raises:
        Locked: Another process holds the DuckDB file longer than we may wait.
    """
    where = place()
    if where.file is None:
        _known(where.kind)
        yield "warehouse"
        return
    limit: Any = dlt.config.get("destination.warehouse.memory_limit") or "64MB"
    file = _File(where.file)
    try:
        file.open(str(limit))
        yield _Opened(file)
    finally:
        file.close()


class _File:
    """A DuckDB file that is open for writing."""

    def __init__(self, path: Path) -> None:
        self._path, self.limit = path, ""
        self.connection: Any = None

    def open(self, limit: str) -> None:
        """Open the file, anew if it is open, with this much memory."""
        self.close()
        self.connection = _open(self._path, read_only=False)
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
            self.connection.execute(f"attach '{target}' as fresh")
            self.connection.execute(f'copy from database "{name}" to fresh')
            self.connection.execute("detach fresh")
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


class _Opened(dlt.destinations.duckdb):
    """The open file. What dlt asks of it at every step of a run is worked out once."""

    def __init__(self, file: _File, memory: _Memory | None = None, **kwargs: Any) -> None:
        super().__init__(file.connection, destination_name="warehouse", **kwargs)
        self._file, self._memory = file, memory or _Memory()

    def again(self) -> _Opened:
        """Return the same file for another pipeline: dlt writes into what it is given."""
        return _Opened(self._file, self._memory)

    def anew(self, limit: str) -> _Opened:
        """Return the same file, closed and opened again with this much memory, never with less.

        Raises:
            Locked: Another process took it meanwhile.
        """
        self._file.open(max(limit, self._file.limit, key=_bytes))
        return _Opened(self._file)

    def rewrite(self) -> None:
        """Put a copy without deleted rows into the file's place, and close it."""
        self._file.rewrite()

    def capabilities(
        self, config: Any = None, naming: NamingConvention | None = None
    ) -> DestinationCapabilitiesContext:
        if config is not None:
            return super().capabilities(config, naming)
        kind = type(naming) if naming else None
        if kind not in self._memory.can:
            self._memory.can[kind] = super().capabilities(None, naming)
        return self._memory.can[kind].copy()

    def configuration(self, initial_config: Any, accept_partial: bool = False) -> Any:  # noqa: FBT001, FBT002  dlt's own
        asked = repr((vars(initial_config), accept_partial))
        if asked not in self._memory.configured:
            found = super().configuration(initial_config, accept_partial)
            self._memory.configured[asked] = found.copy()
            return found
        return self._memory.configured[asked].copy()


@dataclass
class _Memory:
    """What an open file can do, and how it is configured, by what was asked."""

    can: dict[type | None, DestinationCapabilitiesContext] = field(default_factory=dict)
    configured: dict[str, Any] = field(default_factory=dict)


def _known(kind: str) -> None:
    """Make sure that dlt knows a destination of this kind, and has what it takes to reach it."""
    from dlt.common.destination.exceptions import UnknownDestinationModule
    from dlt.common.exceptions import MissingDependencyException

    try:
        pipeline("regulars_core", "core", "warehouse").destination.client_class  # noqa: B018
    except UnknownDestinationModule:
        raise ConfigError(
            f"destination.warehouse.destination_type: dlt knows no {kind!r}. Nothing was read"
        ) from None
    except (MissingDependencyException, ModuleNotFoundError):
        raise ConfigError(
            f"destination.warehouse.destination_type: what {kind} needs is not installed; install "
            f"dlt[{kind}]. Nothing was read"
        ) from None


def _bytes(size: str) -> float:
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


@contextmanager
def reading() -> Iterator[Any]:
    """Yield a read-only DuckDB connection, or dlt's SQL client of any other destination."""
    where = place()
    if where.file is None:
        _known(where.kind)
        with pipeline("regulars_core", "core", "warehouse").sql_client() as client:
            yield client
        return
    if not where.file.exists():
        raise ConfigError(
            f"there is no warehouse yet at {where.file.name}. Run `regulars sync` or "
            "`regulars demo` first"
        )
    connection = _open(where.file, read_only=True)
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


def pipeline(name: str, dataset: str, destination: Any) -> dlt.Pipeline:
    """Return the dlt pipeline of this name, working below the project's data folder."""
    return dlt.pipeline(
        name,
        destination=destination.again() if isinstance(destination, _Opened) else destination,
        dataset_name=dataset,
        pipelines_dir=str(place().folder / "pipelines"),
    )


@contextmanager
def sql(destination: Any) -> Iterator[Warehouse]:
    """Yield the destination's SQL over its own connection."""
    with pipeline("regulars_core", "core", destination).sql_client() as client:
        yield Warehouse(client, client.capabilities.sqlglot_dialect or "duckdb")


def _open(file: Path, *, read_only: bool) -> Any:
    """Open the file, waiting for whoever holds it; the wait doubles to two seconds."""
    import duckdb

    patience = settings.number("destination.warehouse.lock_wait_seconds", 30)
    deadline, pause = time.monotonic() + patience, 0.05
    while True:
        try:
            return duckdb.connect(str(file), read_only=read_only)
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
