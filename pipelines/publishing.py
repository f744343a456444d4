"""Publishing at the end of a run: what was landed becomes `core`, with the run's own rows."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from typing import Any

from dlt.destinations.exceptions import DatabaseException

from pipelines import warehouse
from pipelines.states import open_scans
from sources.errors import Held, Locked, SyncError, exit_code_of, is_full
from sources.job import RemovalPlan, ScanReport
from sources.throttle import Timing
from transforms.publish import CheckFailedError, Published, RunRow, Warehouse, publish, record_run

log = logging.getLogger("regulars")
_MORE_MEMORY = ("128MB", "256MB", "1GB", "4GB")
# DuckDB words it either way; the second time it is a checkpoint that failed.
_OUT_OF_MEMORY = ("Out of Memory", "failed to pin block")
_AS_IT_WAS = "Everything that was read is landed and core is as it was"


@dataclass
class Outcome:
    """What a run did."""

    run_id: str
    reports: list[ScanReport] = field(default_factory=list)
    errors: list[SyncError] = field(default_factory=list)
    held: list[RemovalPlan] = field(default_factory=list)
    published: Published = field(default_factory=Published)

    @property
    def exit_code(self) -> int:
        """The run's exit code, by the precedence of the interface."""
        return exit_code_of(self.errors)

    @property
    def status(self) -> str:
        """`ok`, `held`, `partial` (some of it was done) or `failed`."""
        if not self.errors:
            return "ok"
        if all(isinstance(error, Held) for error in self.errors):
            return "held"
        return "partial" if any(report.complete for report in self.reports) else "failed"


class _OutOfMemoryError(Exception):
    """DuckDB may be given more."""


def publish_run(
    destination: Any, outcome: Outcome, command: str, timing: Timing, *, rebuild: bool = False
) -> None:
    """Publish; give DuckDB more memory where a large change needs it, and publish again.

    A publish is one transaction, so a failed one has changed nothing. The file is opened anew for
    the next: where memory ran out while rows were deleted, DuckDB lets nobody delete them again.
    """
    run = _Run(outcome, command, timing, rebuild)
    for limit in (*_MORE_MEMORY, None):
        try:
            with warehouse.sql(destination) as sql:
                run.publish(sql, last=limit is None)
        except Locked as error:
            outcome.errors.append(error)
            return
        except _OutOfMemoryError:
            log.info("publishing again with a memory limit of %s", limit)
            try:
                destination = destination.anew(limit)
            except SyncError as error:
                # Somebody was waiting for the file: not even the run's row can be written.
                told = f"core was not published: it takes more memory. {_AS_IT_WAS}; the file could"
                outcome.errors.append(Locked(f"{told} not be opened anew: {error}"))
                return
        else:
            return


@dataclass(frozen=True)
class _Run:
    """A run that is to be published."""

    outcome: Outcome
    command: str
    timing: Timing
    rebuild: bool

    @property
    def _row(self) -> RunRow:
        out, now = self.outcome, self.timing.now()
        started = out.reports[0].started_at if out.reports else now
        return RunRow(out.run_id, self.command, started, now, out.status, out.exit_code)

    def publish(self, sql: Warehouse, *, last: bool) -> None:
        """Publish, with the run's own rows in the same transaction; note what fails as an error.

        Raises:
            _OutOfMemoryError: It may be tried with more; not where this is the last try.
        """
        scans = [asdict(report) for report in self.outcome.reports]
        try:
            if sql.dialect == "duckdb":
                # What was just loaded leaves the memory that the fold is about to need.
                sql.run("reset threads")
                sql.run("checkpoint")
            self.outcome.published = publish(
                sql, open_scans=open_scans(sql), rebuild=self.rebuild, run=self._row, scans=scans
            )
        except CheckFailedError as error:
            failed: SyncError = Held(
                f"core was not published: check {error}. {_AS_IT_WAS}; look at the rows, then run "
                "`regulars transform`"
            )
        except DatabaseException as error:
            short = any(sign in str(error) for sign in _OUT_OF_MEMORY)
            if sql.dialect == "duckdb" and short and not last:
                raise _OutOfMemoryError from None
            # Its text may hold a row. Next time it is tried again; until then the run tells of it.
            log.debug("publishing failed", exc_info=error)
            failed = _refusal(error)
        else:
            return
        self.outcome.errors.append(failed)
        try:
            record_run(sql, self._row, scans)
        except DatabaseException as error:
            log.warning("the run could not be recorded in ops (%s)", type(error).__name__)


def _refusal(error: DatabaseException) -> SyncError:
    if is_full(error):
        return Locked(
            f"core was not published: the warehouse's disk is full. {_AS_IT_WAS}; make room, and "
            "the next run publishes it"
        )
    return SyncError(
        f"core was not published: the warehouse refused a statement ({type(error).__name__}). "
        f"{_AS_IT_WAS}; run `regulars transform -v` and, if it repeats, report it"
    )
