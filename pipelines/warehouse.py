"""The destination: where it is, one writer at a time, and its SQL.

A DuckDB file has one writer. A run opens it once, waiting within a bound for a reader to let go,
and hands that connection to dlt, so that nobody gets between extract, load and publish.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import dlt
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.configuration import ParquetFormatConfiguration
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema.exceptions import SchemaException
from dlt.common.storages.exceptions import StorageException
from dlt.destinations.exceptions import DestinationConnectionError

from pipelines import project
from pipelines.duckdb_file import File, opened, size_of
from sources.errors import ConfigError, Locked
from transforms.publish import Warehouse

log = logging.getLogger("regulars")
_DEFAULT_FILE = "warehouse.duckdb"
# Nothing that a wrong setting raises too: it is no reason to drop what is kept.
_TORN = (JSONDecodeError, SchemaException, StorageException)


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

    @property
    def pipelines(self) -> Path:
        """Where dlt works: a folder for each pipeline."""
        return self.folder / "pipelines"

    def scans_of(self, label: str) -> Path:
        """Where the scans of one account keep what they saw."""
        return self.folder / "scans" / label

    def base_of(self, label: str) -> Path:
        """The file that tells which state of the destination one account's package stands on."""
        return self.folder / "base" / f"{label}.json"

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
    file = File(where.file)
    try:
        file.open(str(limit))
        yield _Opened(file)
    finally:
        file.close()


class _Opened(dlt.destinations.duckdb):
    """The open file. What dlt asks of it at every step of a run is worked out once."""

    def __init__(self, file: File, memory: _Memory | None = None, **kwargs: Any) -> None:
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
        self._file.open(max(limit, self._file.limit, key=size_of))
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
            can = self._memory.can[kind] = super().capabilities(None, naming)
            # What is read once, from the same disk, need not be small.
            can.parquet_format = ParquetFormatConfiguration(compression="none")
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


@contextmanager
def reading() -> Iterator[Any]:
    """Yield a read-only DuckDB connection, or dlt's SQL client of any other destination."""
    where = place()
    if where.file is None:
        _known(where.kind)
        with _client("warehouse") as client:
            yield client
        return
    if not where.file.exists():
        raise ConfigError(
            f"there is no warehouse yet at {where.file.name}. Run `regulars sync` or "
            "`regulars demo` first"
        )
    connection = opened(where.file, read_only=True)
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


def pipeline(name: str, dataset: str, destination: Any) -> dlt.Pipeline:
    """Return the dlt pipeline of this name, working below the project's data folder.

    What is there is a cache: where it is torn, or half of it lost, it is made anew.
    """
    try:
        made = _pipeline(name, dataset, destination)
        if made.default_schema_name:
            # It has no other.
            made.default_schema  # noqa: B018
    except _TORN as error:
        log.warning(
            "%s: what the working folder keeps of it cannot be read (%s); it is fetched anew, and "
            "what was pending is read again",
            name,
            type(error).__name__,
        )
        shutil.rmtree(place().pipelines / name, ignore_errors=True)
        return _pipeline(name, dataset, destination)
    return made


def _pipeline(name: str, dataset: str, destination: Any) -> dlt.Pipeline:
    return dlt.pipeline(
        name,
        destination=destination.again() if isinstance(destination, _Opened) else destination,
        dataset_name=dataset,
        pipelines_dir=str(place().pipelines),
    )


@contextmanager
def sql(destination: Any) -> Iterator[Warehouse]:
    """Yield the destination's SQL over its own connection.

    Raises:
        Locked: The destination cannot be reached.
    """
    with _client(destination) as client:
        yield Warehouse(client, client.capabilities.sqlglot_dialect or "duckdb")


@contextmanager
def _client(destination: Any) -> Iterator[Any]:
    """Yield dlt's SQL client of `core`, connected."""
    made: Any = pipeline("regulars_core", "core", destination).sql_client()
    with ExitStack() as stack:
        try:
            client = stack.enter_context(made)
        except DestinationConnectionError as error:
            # What it says may hold an address, or a name.
            raise Locked(
                f"the destination cannot be reached ({type(error.inner_exc).__name__}). What was "
                "landed is kept; run again when it can be"
            ) from None
        yield client
