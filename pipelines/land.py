"""Landing: one account's changes into `raw_<vendor>`, whatever an earlier run left behind."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationTransientException
from dlt.common.versioned_state import decompress_state
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.state_sync import load_pipeline_state_from_destination

from pipelines import warehouse
from pipelines.settings import Account
from sources.errors import Locked, SyncError
from sources.job import Job
from transforms.publish import Warehouse

log = logging.getLogger("regulars")


def land(account: Account, job: Job, destination: Any, transport: Any = None) -> None:
    """Extract what changed and load it, part by part, until every scan is at its end.

    Raises:
        SyncError: The account as a whole could not be read; failed scans are in `job.errors`.
    """
    pipeline = warehouse.pipeline(f"regulars_{account.label}", f"raw_{account.vendor}", destination)
    try:
        with job.closing:
            _recover(pipeline)
            pipeline.sync_destination()
            source = account.source(job=job, transport=transport)
            while True:
                pipeline.extract(source, loader_file_format="parquet")
                # Arrow keeps what it freed; a run's memory is to stay flat.
                pa.default_memory_pool().release_unused()
                pipeline.normalize()
                pipeline.load()
                if not job.unfinished:
                    return
                log.info("%s: a part is landed, reading on", account.vendor)
    except PipelineStepFailed as error:
        raise _meaning(account, error) from error.exception


def _meaning(account: Account, error: PipelineStepFailed) -> SyncError:
    """Return our own error at the bottom of one dlt has wrapped, or one that says what failed.

    Only the class of a foreign error is told: its message may hold a row.
    """
    inner: BaseException | None = error
    names = []
    while inner is not None:
        if isinstance(inner, SyncError):
            return inner
        names.append(type(inner).__name__)
        if isinstance(inner, DestinationConnectionError | DestinationTransientException):
            return Locked(
                f"{account.label}: the destination cannot be reached ({type(inner).__name__}). "
                "What was landed before is kept; the next run goes on"
            )
        inner = inner.__cause__ or inner.__context__
    return SyncError(
        f"{account.label}: dlt's {error.step} failed ({' < '.join(names)}). What was landed before "
        "is kept and core is as it was; run again with -v, and if it repeats, report it"
    )


def _recover(pipeline: dlt.Pipeline) -> None:
    """Load what a crash left pending, then make the destination's state the only one.

    A pending package holds observations made on top of one state of the destination. Where the
    destination still has that state they are loaded; where it has another (a restored backup),
    the package's watermarks would leave a hole, so it is dropped, and what it held is read again.
    """
    remote = None
    if pipeline.has_data:
        with pipeline.destination_client() as client:
            remote = _state_of(pipeline.pipeline_name, client)
        version = remote["_state_version"] if remote else 0
        if pipeline.has_pending_data:
            if pipeline.state["_state_version"] - version in (0, 1):
                log.info("%s: loading what an earlier run left behind", pipeline.pipeline_name)
                pipeline.normalize()
                pipeline.load()
                return
            log.warning(
                "%s: an earlier run left changes that do not fit the destination any more; they "
                "are dropped and read again",
                pipeline.pipeline_name,
            )
            pipeline.drop_pending_packages()
        if not remote or remote["_version_hash"] != pipeline.state["_version_hash"]:
            pipeline.drop()


def _state_of(name: str, client: Any) -> Any:
    """Return the pipeline's state in the destination, None where there is none."""
    from dlt.common.destination.exceptions import DestinationUndefinedEntity

    try:
        return load_pipeline_state_from_destination(name, client)
    except DestinationUndefinedEntity:
        return None


def states(sql: Warehouse) -> dict[str, dict[str, Any]]:
    """Return the state of every account's pipeline, as the destination has it."""
    found: dict[str, dict[str, Any]] = {}
    for table in sorted(sql.tables()):
        schema, _, name = table.partition(".")
        if name != "_dlt_pipeline_state" or not schema.startswith("raw_"):
            continue
        rows = sql.run(
            f"select state.pipeline_name, state.state from {table} as state where state.version = "
            f"(select max(other.version) from {table} as other "
            "where other.pipeline_name = state.pipeline_name)"
        )
        found.update({str(pipeline): decompress_state(text) for pipeline, text in rows})
    return found


def tenants(states: Iterable[dict[str, Any]]) -> Iterable[tuple[str, str, str, dict[str, Any]]]:
    """Yield (vendor, resource, tenant, its state) of every scan any account has ever made."""
    for state in states:
        for vendor, source in state.get("sources", {}).items():
            for resource, facts in source.get("resources", {}).items():
                for tenant, its in facts.get("tenants", {}).items():
                    yield vendor, resource, tenant, its


def open_scans(sql: Warehouse) -> list[str]:
    """Return the scans that are under way: landed in part, to be shown when complete."""
    return [
        scan for _, _, _, state in tenants(states(sql).values()) for scan in state.get("open", ())
    ]
