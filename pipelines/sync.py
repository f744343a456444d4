"""One scheduled run: extract what changed from every account, land it, publish `core`."""

from __future__ import annotations

# Before dlt: to publish then takes 35 MB less (DECISIONS.md).
import duckdb  # noqa: F401

# isort: split
import json
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from pipelines import lock, project, settings, warehouse
from pipelines.land import land
from pipelines.progress import shown
from pipelines.publishing import Outcome, publish_run
from sources.errors import ConfigError, Held, SyncError
from sources.job import Job, PartSize, Window, new_id
from sources.throttle import Timing
from sources.worker import Worker

log = logging.getLogger("regulars")


def sync(
    names: Sequence[str] = (),
    *,
    full: bool = False,
    allow_mass_delete: bool = False,
    timing: Timing | None = None,
    transport: Any = None,
) -> Outcome:
    """Run every configured account, or those of the named vendors, and publish what came.

    Raises:
        ConfigError: Nothing is configured, or it is configured wrongly; nothing was read.
        Locked: The destination is held by somebody else; nothing was changed.
    """
    asked = {"full": full, "allow_mass_delete": allow_mass_delete}
    return _run("sync", names, timing or Timing(), transport, asked)


def backfill(
    vendor: str, window: Window, *, timing: Timing | None = None, transport: Any = None
) -> Outcome:
    """Read a window of every account of a vendor again, and publish what came.

    Guarantees: no watermark moves, nobody is removed, and nothing newer is replaced.

    Raises:
        ConfigError: The vendor is not configured.
        Locked: The destination is held by somebody else; nothing was changed.
    """
    return _run("backfill", [vendor], timing or Timing(), transport, {"backfill": window})


def _run(
    command: str, names: Sequence[str], timing: Timing, transport: Any, asked: dict[str, Any]
) -> Outcome:
    accounts, errors = settings.configured(names)
    if not accounts:
        raise (
            errors[0]
            if errors
            else ConfigError(
                f"no vendor is configured. Nothing was read. {settings.HOW_TO_CONFIGURE}"
            )
        )
    outcome = Outcome(new_id(timing.now()), errors=list(errors))
    with ExitStack() as stack:
        progress = stack.enter_context(shown())
        destination = stack.enter_context(warehouse.writing())
        with Worker() as worker:
            asked = {**asked, "progress": progress, "worker": worker}
            jobs = [_job(outcome.run_id, account, timing, asked) for account in accounts]
            _land_all(accounts, jobs, destination, transport, outcome)
        for job in jobs:
            outcome.reports += job.reports
            outcome.held += job.held
            outcome.errors += job.errors
        _keep_plans(outcome, accounts)
        publish_run(destination, outcome, command, timing)
    return outcome


def _land_all(
    accounts: Sequence[settings.Account],
    jobs: Sequence[Job],
    destination: Any,
    transport: Any,
    outcome: Outcome,
) -> None:
    """Read all accounts side by side, each within its own limits; they land one after another."""
    writer = threading.Lock()

    def one(account: settings.Account, job: Job) -> SyncError | None:
        try:
            with lock.held(warehouse.place().lock_of(account.label)):
                land(account, job, destination, writer, transport)
        except SyncError as error:
            return error
        return None

    with ThreadPoolExecutor(len(accounts), thread_name_prefix="account") as pool:
        try:
            failed = list(pool.map(one, accounts, jobs))
        except KeyboardInterrupt:
            for job in jobs:
                job.stopped.set()
            raise
    outcome.errors += [error for error in failed if error is not None]


def transform(*, rebuild: bool = False, timing: Timing | None = None) -> Outcome:
    """Publish what is landed; with `rebuild`, all of it anew."""
    timing = timing or Timing()
    outcome = Outcome(new_id(timing.now()))
    with warehouse.writing() as destination:
        publish_run(destination, outcome, "transform", timing, rebuild=rebuild)
    return outcome


def _job(
    run_id: str,
    account: settings.Account,
    timing: Timing,
    asked: dict[str, Any],
) -> Job:
    default = PartSize()
    part = PartSize(
        pages=int(settings.number("runs.checkpoint_pages", default.pages)),
        rows=int(settings.number("runs.checkpoint_rows", default.rows)),
        seconds=settings.number("runs.checkpoint_seconds", default.seconds),
    )
    return Job(
        run_id=run_id,
        by_parts=True,
        part=part,
        keep_rejected_values=settings.flag("runs.keep_rejected_values"),
        timing=timing,
        scratch_dir=warehouse.place().scans_of(account.label),
        vault_dir=project.vault_dir(),
        log=logging.getLogger(f"regulars.{account.vendor}"),
        **asked,
    )


def _keep_plans(outcome: Outcome, accounts: Sequence[settings.Account]) -> None:
    """Save held removals where `status` finds them; forget those of accounts that are clear."""
    folder = project.data_dir() / "held"
    for account in accounts:
        mine = [
            plan
            for plan in outcome.held
            if (plan.vendor, plan.account) == (account.vendor, account.name)
        ]
        path = folder / f"{account.label}.json"
        if not mine:
            if not _failed(outcome, account):
                path.unlink(missing_ok=True)
            continue
        folder.mkdir(exist_ok=True)
        path.write_text(json.dumps([asdict(plan) for plan in mine], indent=1))
        for plan in mine:
            scope = f" of {plan.scope}" if plan.scope else ""
            outcome.errors.append(
                Held(
                    f"{plan.vendor}/{plan.resource}: {len(plan.missing)} of {plan.alive} records"
                    f"{scope} are missing at the vendor (account {plan.account}, tenant "
                    f"{plan.tenant_id}), more than the guard believes. None was removed, all "
                    f"else is published, and the plan is in {path.name}, shown by `regulars "
                    "status`. If they are really gone, run `regulars sync --full "
                    "--allow-mass-delete`"
                )
            )


def _failed(outcome: Outcome, account: settings.Account) -> bool:
    """Tell whether something of an account could not be read, so that its plan still stands."""
    return any(
        getattr(error, "vendor", account.vendor) == account.vendor
        and getattr(error, "account", account.name) == account.name
        for error in outcome.errors
    )
