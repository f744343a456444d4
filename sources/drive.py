"""Driving scans: a vendor's reading becomes the parts of a dlt resource."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from traceback import format_tb
from typing import Any, Protocol

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationTransientException
from dlt.extract import DltResource

from sources.ahead import Ahead
from sources.errors import ContractError, Forbidden, SyncError, Unavailable, VendorError, is_full
from sources.job import Job, ScanReport, new_id
from sources.known import Log
from sources.records import Context, Shape
from sources.scan import Reading, Scan, State, own_state

# What a scan saw longer ago than this is no longer taken for seen: it starts over.
_OLDEST_CHECKPOINT = timedelta(days=7)
Read = Callable[[Scan], Reading]


def run_scan(
    job: Job,
    log: Log,
    shape: Shape,
    *,
    vendor: str,
    account: str,
    tenant_id: str,
    kind: str,
    home: State,
    complete: bool,
    read: Read,
    requests: Callable[[], int],
    context: Context | None = None,
) -> Iterator[pa.Table]:
    """Read one resource of one tenant and yield its changes, part by part.

    `home` is the tenant's state; a backfill keeps its own inside it. `complete` tells whether
    absence will mean something. `read` walks the vendor's pages, gives them to the scan, stops
    wherever a part may end, and returns the new watermark. `requests` tells how many the account
    has sent so far.

    Guarantees: nothing is yielded of a part whose reading failed, and nothing it noted stays in the
    state, unless the vendor merely became unavailable; then what was read is yielded with its
    checkpoint. A failure, whatever it is, is noted in `job.errors` and ends this scan alone; only
    that of the destination, or of the whole account, is raised.
    """
    key = (shape.resource, tenant_id)
    if key in job.done:
        return
    if key in job.scans:
        report = job.scans[key].report
    else:
        now = job.timing.now()
        report = ScanReport(
            job.run_id, vendor, tenant_id, shape.resource, kind, started_at=now, scan_id=new_id(now)
        )
        job.reports.append(report)
    facts: dict[str, Any] = {"complete": complete, "account": account, "context": context or {}}
    # What was sent between two parts, ahead of its being read, counts too.
    before, goes_on = job.counted.get(shape.resource, requests()), True
    try:
        while goes_on:
            kept = copy.deepcopy(home)
            try:
                scan = job.scans.get(key) or _begin(job, log, shape, report, home, read, facts)
                goes_on = yield from _part(scan, home, read)
            except Exception as error:  # noqa: BLE001  one scan's failure ends no other
                goes_on = False
                _fail(job, report, home, kept, _meant(error, job, report, account))
            if goes_on and job.by_parts:
                return
    finally:
        job.counted[shape.resource] = requests()
        report.requests += job.counted[shape.resource] - before
    job.scans.pop(key, None)
    job.done.add(key)
    if job.backfill:
        _forget_backfill(home, job.backfill.name)


def _begin(
    job: Job,
    log: Log,
    shape: Shape,
    report: ScanReport,
    home: State,
    read: Read,
    facts: dict[str, Any],
) -> Scan:
    """Return a new scan, at its checkpoint where there is one that is young enough."""
    state = own_state(job, home)
    written = state.get("checkpoint", {}).get("at")
    if written and report.started_at - datetime.fromisoformat(written) > _OLDEST_CHECKPOINT:
        del state["checkpoint"]
    scan = Scan(job, log, shape, report, home=home, **facts)
    scan.reading = read(scan)
    job.scans[shape.resource, report.tenant_id] = scan
    return scan


def _part(scan: Scan, home: State, read: Read) -> Generator[pa.Table, None, bool]:
    """Read on and yield one part; return whether the scan goes on after it."""
    try:
        if scan.ahead:
            ahead, scan.ahead = scan.ahead, None
            ahead.join(home)
        else:
            scan.stand_on(home)
            _read_part(scan, read)
    except StopIteration as end:
        yield from scan.finish(end.value)
        return False
    except Unavailable as error:
        if scan.job.strict or not (scan.pages or scan.changes.rows):
            raise
        scan.job.errors.append(error)
        yield from scan.end_part()
        scan.close(keep=True)
        return False
    brought = scan.end_part()
    if _may_read_ahead(scan):
        scan.ahead = Ahead(scan, partial(_read_part, scan, read))
    yield from brought
    return True


def _may_read_ahead(scan: Scan) -> bool:
    """Tell whether a scan may read on while its part is landed; one of an account's at a time.

    An increment asks the log about whoever comes, and would see half of what is being landed. Where
    absence means something the log was asked for all it holds.
    """
    free = not any(other.ahead for other in scan.job.scans.values())
    return scan.job.by_parts and scan.complete_kind and free


def _read_part(scan: Scan, read: Read) -> None:
    """Read until there is enough to be landed; raises StopIteration at the scan's own end."""
    _read_on(scan, read)
    while not scan.part_is_full():
        _read_on(scan, read)


def _read_on(scan: Scan, read: Read) -> None:
    """Read to the next place where a part may end; raises StopIteration at the scan's own end.

    A vendor may take a page address no more that it gave to an earlier run, and say so with any
    status. Where that is the first question of this run, the walk begins again at its first page;
    what was seen before still counts. If that fails too, the checkpoint is left as it was.
    """
    try:
        next(scan.reading)
    except (Forbidden, Unavailable) as error:
        if scan.report.pages or not scan.place.pop("next", None):
            raise
        scan.job.log.info(
            "%s/%s: nothing comes from where the last run stopped (%s); reading from page one",
            scan.report.vendor,
            scan.shape.resource,
            type(error).__name__,
        )
        scan.reading = read(scan)
        next(scan.reading)


def _meant(error: Exception, job: Job, report: ScanReport, account: str) -> VendorError:
    """Return what an exception means for its scan; raise it where it is not the scan's alone.

    Only the class of a foreign one is told: its message may hold a record. That a disk is full
    is no vendor's fault, and the checkpoint stays.
    """
    if isinstance(error, VendorError):
        return error
    if isinstance(error, SyncError | DestinationTransientException) or is_full(error):
        raise error
    job.log.debug("unforeseen, at\n%s", "".join(format_tb(error.__traceback__)))
    return ContractError(
        f"the reading ended in a way nobody foresaw ({type(error).__name__}). Nothing of this scan "
        "was published and the watermark has not moved; if a rerun ends so too, report it",
        vendor=report.vendor,
        account=account,
        resource=report.resource,
    )


def _fail(job: Job, report: ScanReport, home: State, kept: State, error: VendorError) -> None:
    """End a scan that failed, with the state as it was: nothing of this part is landed."""
    scan = job.scans.get((report.resource, report.tenant_id))
    if job.strict:
        _let_go(scan, keep=False)
        raise error from None
    job.errors.append(error)
    home.clear()
    home.update(kept)
    state = own_state(job, home)
    if isinstance(error, ContractError):
        # A page address the vendor no longer takes must not be asked for ever again.
        state.pop("checkpoint", None)
    # It may have come to its end before what it read could be handed on.
    report.finished_at, report.complete, report.watermark = job.timing.now(), False, None
    _let_go(scan, keep="checkpoint" in state)


def _let_go(scan: Scan | None, *, keep: bool) -> None:
    """End a failed scan's reading and its memory: a broken cache is no reason to fail for."""
    if scan is not None:
        scan.stop()
        with suppress(Exception):
            scan.close(keep=keep)


def _forget_backfill(home: State, name: str) -> None:
    """Drop a backfill's state once it holds nothing to go on with: state must not grow."""
    if not home["backfills"][name]:
        del home["backfills"][name]
    if not home["backfills"]:
        del home["backfills"]


class Reader(Protocol):
    """What an account is to its resources."""

    def scan(self, shape: Shape, resource_state: State) -> Iterator[pa.Table]:
        """Yield the changes of one resource, tenant after tenant."""
        ...


def resources(
    shapes: Sequence[Shape], job: Job | None, reader: Callable[[Job], Reader]
) -> list[DltResource]:
    """Return one append-only dlt resource for each shape, fed by the `scan` of a job's reader.

    Without a job every run of the source is one by itself, which reads anew and raises what fails.
    """
    current, begun = reader(job or Job(strict=True)), set[str]()

    def reading(shape: Shape) -> Reader:
        nonlocal current
        if job is None and shape.resource in begun:
            current = reader(Job(strict=True))
            begun.clear()
        begun.add(shape.resource)
        return current

    def resource(shape: Shape) -> DltResource:
        def changes() -> Iterator[pa.Table]:
            yield from reading(shape).scan(shape, dlt.current.resource_state())

        # No column hints: each table is declared by the Arrow schema that is yielded for it.
        return dlt.resource(changes, name=shape.resource, write_disposition="append")

    return [resource(shape) for shape in shapes]
