"""Progress: a line that moves on a terminal, a plain log line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sources.job import ScanReport

log = logging.getLogger("regulars")
_EVERY = 10.0


@contextmanager
def shown() -> Iterator[Callable[[ScanReport], None]]:
    """Yield what a job tells of every page while the block runs."""
    started = last = time.monotonic()

    def line(report: ScanReport) -> str:
        elapsed = max(time.monotonic() - started, 0.001)
        return (
            f"{report.vendor}/{report.resource} {report.tenant_id}: page {report.pages}, "
            f"{report.rows_seen} rows, {report.rows_changed} changed, "
            f"{report.pages / elapsed:.1f} pages a second"
        )

    if not sys.stderr.isatty():

        def plain(report: ScanReport) -> None:
            nonlocal last
            if time.monotonic() - last >= _EVERY:
                last = time.monotonic()
                log.info(line(report))

        yield plain
        return
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        yield lambda report: status.update(line(report))
