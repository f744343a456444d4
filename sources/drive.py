"""Driving scans: a vendor's reading becomes the parts of a dlt resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from sources.errors import ContractError, Unavailable, VendorError
from sources.job import Job, ScanReport, new_id
from sources.known import Log
from sources.records import Context, Shape
from sources.scan import Reading, Scan, State


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
    read: Callable[[Scan], Reading],
    requests: Callable[[], int],
    context: Context | None = None,
) -> Iterator[pa.Table]:
    """Read one resource of one tenant and yield its changes, part by part.

    `home` is the tenant's state; a backfill keeps its own inside it. `complete` tells whether
    absence will mean something. `read` walks the vendor's pages, gives them to the scan, stops
    wherever a part may end, and returns the new watermark. `requests` tells how many the account
    has sent so far.

    Guarantees: nothing is yielded of a part whose reading failed, unless the vendor merely became
    unavailable; then what was read is yielded with its checkpoint. A failure is noted in
    `job.errors` and ends this scan alone.
    """
    key = (shape.resource, tenant_id)
    if key in job.done:
        return
    state = home
    if job.backfill:
        state = home.setdefault("backfills", {}).setdefault(job.backfill.name, {})
    if key not in job.scans:
        now = job.timing.now()
        report = ScanReport(
            job.run_id, vendor, tenant_id, shape.resource, kind, started_at=now, scan_id=new_id(now)
        )
        job.reports.append(report)
        facts: dict[str, Any] = {"home": home, "complete": complete, "account": account}
        scan = Scan(job, log, shape, report, state, context=context or {}, **facts)
        scan.reading = read(scan)
        job.scans[key] = scan
    scan = job.scans[key]
    scan.state, scan.home = state, home
    before = requests()
    try:
        while True:
            try:
                next(scan.reading)
            except StopIteration as end:
                yield from scan.finish(end.value)
                break
            if scan.part_is_full():
                yield from scan.end_part()
                if job.by_parts:
                    return
    except VendorError as error:
        yield from _failed(scan, error)
    finally:
        scan.report.requests += requests() - before
    del job.scans[key]
    job.done.add(key)
    if job.backfill:
        _forget_backfill(home, job.backfill.name)


def _forget_backfill(home: State, name: str) -> None:
    """Drop a backfill's state once it holds nothing to go on with: state must not grow."""
    if not home["backfills"][name]:
        del home["backfills"][name]
    if not home["backfills"]:
        del home["backfills"]


def _failed(scan: Scan, error: VendorError) -> Iterator[pa.Table]:
    """End a scan that failed; yield what is kept of it."""
    if scan.job.strict:
        raise error
    scan.job.errors.append(error)
    if isinstance(error, Unavailable) and scan.pages:
        yield from scan.end_part()
    elif isinstance(error, ContractError):
        # A page address the vendor no longer takes must not be asked for ever again.
        scan.state.pop("checkpoint", None)
    scan.close(keep="checkpoint" in scan.state)


def resources(
    shapes: Sequence[Shape], scan: Callable[[Shape, State], Iterator[pa.Table]]
) -> list[DltResource]:
    """Return one append-only dlt resource for each shape, fed by `scan(shape, its dlt state)`."""

    def resource(shape: Shape) -> DltResource:
        def changes() -> Iterator[pa.Table]:
            yield from scan(shape, dlt.current.resource_state())

        # No column hints: each table is declared by the Arrow schema that is yielded for it.
        return dlt.resource(changes, name=shape.resource, write_disposition="append")

    return [resource(shape) for shape in shapes]
