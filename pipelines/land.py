"""Landing: one account's changes into `raw_<vendor>`, whatever an earlier run left behind."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationTransientException
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from pipelines import project, warehouse
from pipelines.settings import Account
from sources.errors import ConfigError, Locked, SyncError, is_full
from sources.job import Job

log = logging.getLogger("regulars")


def land(
    account: Account,
    job: Job,
    destination: Any,
    writer: AbstractContextManager[Any],
    transport: Any,
) -> None:
    """Extract what changed and load it, part by part, until every scan is at its end.

    Vendors are read side by side; `writer` is held while one of them writes, since a destination
    may have one writer.

    Raises:
        SyncError: The account as a whole could not be read; failed scans are in `job.errors`.
    """
    pipeline = warehouse.pipeline(f"regulars_{account.label}", f"raw_{account.vendor}", destination)
    base = Base(warehouse.place().base_of(account.label))
    try:
        with job.closing:
            with writer:
                _recover(pipeline, base)
                base.remember(pipeline)
            source = account.source(job=job, transport=transport)
            # However this ends, nothing goes on being read.
            job.closing.callback(job.abandon)
            while True:
                pipeline.extract(source, loader_file_format="parquet")
                pa.default_memory_pool().release_unused()
                with writer:
                    pipeline.normalize()
                    pipeline.load(workers=warehouse.place().writers)
                    base.remember(pipeline)
                _landed(job)
                clear(pipeline)
                if not job.unfinished:
                    return
                log.info("%s: a part is landed, reading on", account.label)
    except (PipelineStepFailed, OSError) as error:
        _take_back(job)
        raise _meaning(account, error) from getattr(error, "exception", error)


@dataclass(frozen=True)
class Base:
    """Remembers which state of the destination what is extracted next will stand on."""

    path: Path

    def remember(self, pipeline: dlt.Pipeline) -> None:
        """Note the state local and destination now share."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        passing = self.path.with_suffix(".new")
        passing.write_text(json.dumps({"hash": pipeline.state["_version_hash"]}))
        passing.replace(self.path)

    def fits(self, remote: Any) -> bool:
        """Tell whether the destination's state is the one that was remembered."""
        if not self.path.exists():
            return False
        noted = json.loads(self.path.read_text())["hash"]
        return bool(remote) and remote["_version_hash"] == noted


def _landed(job: Job) -> None:
    """Note which scans are in the destination."""
    job.landed.update(report.scan_id for report in job.reports if report.finished_at)


def clear(pipeline: dlt.Pipeline) -> None:
    """Remove what loading leaves behind."""
    shutil.rmtree(Path(pipeline.working_dir) / "load" / "loaded", ignore_errors=True)


def _take_back(job: Job) -> None:
    """Call nothing complete that never reached the destination."""
    for report in job.reports:
        if report.scan_id not in job.landed:
            report.complete, report.watermark = False, None


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it was raised for, down to the first."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def _meaning(account: Account, error: PipelineStepFailed | OSError) -> SyncError:
    """Return our own error at the bottom of one dlt has wrapped, or one that says what failed.

    Only the class of a foreign error is told: its message may hold a row.
    """
    names = []
    for inner in causes(error):
        if isinstance(inner, KeyboardInterrupt):
            raise inner
        if isinstance(inner, SyncError):
            return inner
        names.append(type(inner).__name__)
        if "Out of Memory" in str(inner):
            return ConfigError(
                f"{account.label}: destination.warehouse.memory_limit is too small for what there "
                "is to load. What was landed before is kept; raise it and run again"
            )
        if is_full(inner):
            return Locked(
                f"{account.label}: a disk is full, the working folder's ({project.data_dir()}) "
                "or the warehouse's. What was landed before is kept; make room, and the next run "
                "goes on"
            )
        if isinstance(inner, DestinationConnectionError | DestinationTransientException):
            return Locked(
                f"{account.label}: the destination cannot be reached ({type(inner).__name__}). "
                "What was landed before is kept; the next run goes on"
            )
    return SyncError(
        f"{account.label}: dlt's {getattr(error, 'step', 'work')} failed ({' < '.join(names)}). "
        "What was landed before is kept and core is as it was; run again with -v, and if it "
        "repeats, report it"
    )


def _passes(error: BaseException) -> bool:
    """Tell whether what failed will do when there is room again, or the destination is back."""
    return any(
        is_full(inner) or isinstance(inner, DestinationConnectionError) for inner in causes(error)
    )


def _recover(pipeline: dlt.Pipeline, base: Base) -> None:
    """Load what a crash left pending, then make the destination's state the only one.

    A pending package holds observations made on top of one state of the destination. Where the
    destination still has that state they are loaded; where it has another (a restored backup),
    the package's watermarks would leave a hole, so it is dropped, and what it held is read again.
    """
    if pipeline.has_data:
        with pipeline.destination_client() as client:
            remote = _state_of(pipeline.pipeline_name, client)
        pending = pipeline.has_pending_data
        fits = base.fits(remote)
        loaded = pending and fits and _loads(pipeline)
        if pending and not loaded:
            why = "cannot be loaded" if fits else "do not fit the destination"
            log.warning(
                "%s: changes an earlier run left behind %s; they are dropped and read again",
                pipeline.pipeline_name,
                why,
            )
            pipeline.abort_packages()
        same = bool(remote) and remote["_version_hash"] == pipeline.state["_version_hash"]
        if same and not pending:
            # As after any run that ended: there is nothing to fetch.
            return
        if not same and not loaded:
            pipeline.drop()
    pipeline.sync_destination()


def _loads(pipeline: dlt.Pipeline) -> bool:
    """Load what is pending; tell whether it did."""
    log.info("%s: loading what an earlier run left behind", pipeline.pipeline_name)
    try:
        pipeline.normalize()
        pipeline.load(workers=warehouse.place().writers)
    except PipelineStepFailed as error:
        if _passes(error):
            raise
        # What will not load would stop every run to come; read again, it is the same.
        log.info(
            "%s: it does not load (%s)", pipeline.pipeline_name, type(error.exception).__name__
        )
        return False
    return True


def _state_of(name: str, client: Any) -> Any:
    """Return the pipeline's state in the destination, None where there is none."""
    from dlt.common.destination.exceptions import DestinationUndefinedEntity

    try:
        return load_pipeline_state_from_destination(name, client)
    except DestinationUndefinedEntity:
        return None
