"""Erasing a guest who asks for it: from logs, histories, working files and the file's own bytes.

A vendor's customer is written down as erased before anything is deleted, so that a crash in
between leaves somebody who can be erased again, and never somebody who comes back.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationException
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.pipeline.exceptions import PipelineStepFailed

from pipelines import lock, settings, warehouse
from pipelines.land import causes, clear
from pipelines.states import open_scans, states, tenants
from sources import VENDORS
from sources.erased import SCHEMA, TABLE, Erased, customer_hash
from sources.errors import ConfigError, Locked, SyncError, is_full
from sources.job import new_id
from sources.known import Log
from sources.throttle import Timing
from transforms.erasing import Erasing
from transforms.publish import RunRow, Warehouse, record_run


@dataclass
class Erasure:
    """What was done: how many rows are gone, by table, and whether the file's bytes are too."""

    customers: int
    rows: dict[str, int] = field(default_factory=dict)
    rewritten: bool = False


def erase(
    vendor: str,
    ids: Sequence[str],
    *,
    tenant: str | None = None,
    lift: bool = False,
    timing: Timing | None = None,
) -> Erasure:
    """Erase customers of a vendor, and see to it that no scan lands them again.

    Args:
        vendor: The vendor's name.
        ids: The customers, by the vendor's ids.
        tenant: Whose customers; needed where the vendor has several tenants.
        lift: Erase nothing; let them in again.
        timing: The run's clock.

    Raises:
        ConfigError: There is no such vendor, tenant or customer; nothing was changed.
        Locked: A run is under way, or somebody has the file; nothing was changed.
    """
    place, timing = warehouse.place(), timing or Timing()
    settings.check_vendor(vendor)
    if place.file is not None and not place.file.exists():
        raise ConfigError(f"there is no warehouse yet at {place.file.name}. Nothing to erase")
    for at, one in enumerate(ids, 1):
        if not one.isprintable() or not one.strip():
            raise ConfigError(f"id {at} of {len(ids)} is no text. Nothing was changed")
    with ExitStack() as stack:
        destination = stack.enter_context(warehouse.writing())
        with warehouse.sql(destination) as sql:
            names = [name for name in states(sql) if _label(name, vendor)]
        if not names:
            raise ConfigError(f"nothing of {vendor} was ever landed here. Nothing to erase")
        labels = {label for name in names if (label := _label(name, vendor))}
        labels.update(_left_behind(place.folder, vendor))
        for label in sorted(labels):
            stack.enter_context(lock.held(place.lock_of(label)))
        work = _Work(vendor, ids, destination, names, labels, timing)
        with _telling("it is not sure that anything was done"):
            done = work.lift(tenant) if lift else work.erase(tenant)
        if not lift and place.file is not None:
            gone = "the customers are erased from every table and will not come back, but their"
            with _telling(f"{gone} bytes may still be in {place.file.name}, which was not copied"):
                destination.rewrite()
            done.rewritten = True
        return done


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """Say what is left undone by an error that is not ours, and that trying again is safe."""
    import duckdb

    try:
        yield
    except (PipelineStepFailed, DestinationException, duckdb.Error, OSError) as error:
        again = f"{what}; run the same command again, which does no harm"
        if any(is_full(cause) for cause in causes(error)):
            raise Locked(f"a disk is full: {again} when there is room") from None
        if any(isinstance(cause, DestinationConnectionError) for cause in causes(error)):
            raise Locked(f"the destination cannot be reached: {again} when it can be") from None
        if any("Out of Memory" in str(cause) for cause in causes(error)):
            told = "destination.warehouse.memory_limit is too small"
            raise ConfigError(f"{told}: {again} with more") from None
        names = " < ".join(type(cause).__name__ for cause in causes(error))
        raise SyncError(f"erasing was not possible ({names}): {again}") from None


def _label(pipeline_name: str, vendor: str) -> str | None:
    """Return the account a pipeline is of, where it is one of the vendor's."""
    label = pipeline_name.removeprefix("regulars_")
    return label if label == vendor or label.startswith(f"{vendor}_") else None


def _left_behind(folder: Path, vendor: str) -> Iterator[str]:
    """Yield the accounts of a vendor there are working files of."""
    for path in folder.glob("*/*"):
        if label := _label(path.stem, vendor):
            yield label


@dataclass(frozen=True)
class _Work:
    vendor: str
    ids: Sequence[str]
    destination: Any
    names: Sequence[str]
    labels: set[str]
    timing: Timing

    def erase(self, tenant: str | None) -> Erasure:
        people, keys = _tables(self.vendor)
        started = self.timing.now()
        with warehouse.sql(self.destination) as sql:
            tenant_id = _tenant(sql, self.vendor, tenant)
            erasing = Erasing(sql, self.vendor, people, keys, tenant_id, self.ids)
            known = self._erased(tenant_id)
            fresh = [one for one in dict.fromkeys(self.ids) if one not in known]
            self._all_in(fresh, erasing.found(), f"is no customer of {self.vendor} here")
            self._write_down(tenant_id, fresh, "upsert", sql)
            erasing.erase(self._row(started), open_scans(sql))
        return Erasure(len(set(self.ids)), erasing.rows)

    def lift(self, tenant: str | None) -> Erasure:
        started = self.timing.now()
        with warehouse.sql(self.destination) as sql:
            tenant_id = _tenant(sql, self.vendor, tenant)
            known = self._erased(tenant_id)
            self._all_in(self.ids, known, "was not erased")
            self._write_down(tenant_id, list(dict.fromkeys(self.ids)), "delete", sql)
            record_run(sql, self._row(started), [])
        return Erasure(len(set(self.ids)))

    def _row(self, started: datetime) -> RunRow:
        return RunRow(new_id(started), "erase", started, self.timing.now(), "ok", 0)

    def _all_in(self, ids: Sequence[str], known: Erased | set[str], else_told: str) -> None:
        """Make sure of every id; which one it is not is told by its place, as it may be a name."""
        for one in ids:
            if one not in known:
                raise ConfigError(
                    f"id {self.ids.index(one) + 1} of {len(self.ids)} {else_told}. Nothing was "
                    "changed. Find it with `regulars query`, in the customer_id of core.customers"
                )

    def _erased(self, tenant_id: str) -> Erased:
        return Log(self._pipeline(self.names[0])).erased(tenant_id)

    def _pipeline(self, name: str) -> dlt.Pipeline:
        return warehouse.pipeline(name, f"raw_{self.vendor}", self.destination)

    def _write_down(self, tenant_id: str, ids: Sequence[str], op: str, sql: Warehouse) -> None:
        """Land who is left out, or let in again, and give every account's state a new version.

        By that a package kept from before does not fit the destination, and is never loaded. What
        is pending now holds people too, and is dropped: what it was read for is read again.

        Raises:
            SyncError: It was not landed; nothing else was done.
        """
        _forget_working_files(self.labels)
        table, now, salt = f"raw_{self.vendor}.{TABLE}", self.timing.now(), None
        if table in sql.tables():
            salt, last = sql.run(f"select max(salt), max(_observed_at) from {table}")[0]
            # Our clock may step back between two commands; their order may not.
            last = last if last is None or last.tzinfo else last.replace(tzinfo=UTC)
            now = max(now, last + timedelta(microseconds=1)) if last else now
        salt = salt or secrets.token_hex(16)
        marks = [customer_hash(salt, tenant_id, one) for one in ids]
        filled = [[value] * len(ids) for value in (tenant_id, salt)]
        rows = pa.table([*filled, marks, [op] * len(ids), [now] * len(ids)], schema=SCHEMA)
        for name in self.names:
            pipeline = self._pipeline(name)
            pipeline.sync_destination()
            pipeline.run(_told(self.vendor, now.isoformat(), rows), loader_file_format="parquet")
            clear(pipeline)
            rows = rows.slice(0, 0)
        erased = self._erased(tenant_id)
        if any((one in erased) != (op == "upsert") for one in ids):
            raise SyncError("who is erased could not be written down. Nobody was erased")


def _told(vendor: str, at: str, rows: pa.Table) -> Any:
    """Return a source of one table, which notes in the state when it was written."""

    def erasures() -> Iterator[pa.Table]:
        dlt.current.resource_state()["at"] = at
        if rows.num_rows:
            yield rows

    @dlt.source(name=vendor)
    def told() -> Any:
        return dlt.resource(erasures, name=TABLE, write_disposition="append")

    return told()


def _tables(vendor: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return, for each table that is about one customer a row, the columns of its id and key."""
    people, keys = dict[str, str](), dict[str, str]()
    for shape in import_module(f"{VENDORS[vendor]}.fields").SHAPES:
        if shape.is_person:
            held = [child.shape for child in shape.children]
            people |= {shape.resource: shape.key} | {each.resource: each.scope for each in held}
            keys |= {each.resource: each.key for each in (shape, *held)}
    return people, keys


def _tenant(sql: Warehouse, vendor: str, named: str | None) -> str:
    """Return the tenant that is meant, one of those there was ever a scan of."""
    scanned = tenants(states(sql).values())
    found = sorted({tenant for of, _, tenant, _ in scanned if of == vendor})
    if named in found:
        return str(named)
    if named is None and len(found) == 1:
        return found[0]
    wrong = "is none of them" if named else "has to be named"
    raise ConfigError(
        f"--tenant {wrong}: {vendor} has customers of {', '.join(found) or 'none'}. Nothing was "
        "changed"
    )


def _forget_working_files(labels: set[str]) -> None:
    """Remove what runs left behind of these accounts; all of it but credentials is a cache."""
    place = warehouse.place()
    for label in labels:
        for path in (place.pipelines / f"regulars_{label}", place.scans_of(label)):
            if path.exists():
                shutil.rmtree(path)
        place.base_of(label).unlink(missing_ok=True)
