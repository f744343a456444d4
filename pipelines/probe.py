"""What can be known before anything is read or written: `regulars check`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from pipelines import project, settings, warehouse
from sources import VENDORS
from sources.errors import ConfigError, SyncError
from sources.job import Job
from sources.throttle import Timing

SKEW = timedelta(seconds=60)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: a line to print, and the error if it is not as it should be."""

    text: str
    error: SyncError | None = None


def check(transport: Any = None, timing: Timing | None = None) -> Iterator[Finding]:
    """Look at every account's credential, scope and clock, and at the destination."""
    accounts, errors = settings.configured()
    for error in errors:
        yield Finding("settings: an account is half configured", error)
    if not accounts and not errors:
        yield Finding("vendors: none is configured", ConfigError("no vendor is configured"))
    yield from _side_by_side(accounts, transport, timing or Timing())
    try:
        yield Finding(f"destination: {_destination()} can be written")
    except SyncError as error:
        yield Finding("destination: failed", error)


def _side_by_side(
    accounts: Sequence[settings.Account], transport: Any, timing: Timing
) -> Iterator[Finding]:
    """Ask all vendors at once: one that does not answer is waited for, once for all."""

    def look(account: settings.Account) -> list[Finding]:
        return list(_account(account, transport, timing))

    with ThreadPoolExecutor(max(1, len(accounts)), thread_name_prefix="check") as pool:
        for findings in pool.map(look, accounts):
            yield from findings


def _account(account: settings.Account, transport: Any, timing: Timing) -> Iterator[Finding]:
    job = Job(timing=timing, vault_dir=project.vault_dir())
    module = import_module(VENDORS[account.vendor])
    try:
        with job.closing:
            facts = module.probe(
                job=job, transport=transport, account=account.name, **account.values
            )
    except SyncError as error:
        yield Finding(f"{account.label}: failed", error)
        return
    yield Finding(f"{account.label}: credential accepted, {facts.sees}")
    yield _skew(account.label, facts.vendor_time, job.timing.now())


def _destination() -> str:
    """Return the destination's name once it is sure that it can be written.

    Guarantees: nothing is made, not even a file: an empty warehouse would look like somebody's.
    """
    from dlt.common.exceptions import DltException

    where = warehouse.place()
    if where.file is not None and not where.file.exists():
        if not os.access(where.file.parent, os.W_OK | os.X_OK):
            raise ConfigError(
                f"destination.warehouse.credentials: {where.file.name} cannot be made, because its "
                "folder does not exist or cannot be written"
            )
        return f"{where.file} is not there yet and"
    try:
        with warehouse.writing() as destination:
            if where.file is None:
                with warehouse.sql(destination) as sql:
                    sql.run("select 1")
    except DltException as error:
        # Its text may hold an address with a password in it.
        raise ConfigError(
            f"destination.warehouse: {where.kind} cannot be reached ({type(error).__name__})"
        ) from None
    return str(where.file or where.kind)


def _skew(label: str, theirs: datetime | None, ours: datetime) -> Finding:
    if theirs is None:
        return Finding(f"{label}: the vendor does not tell its clock; ours stands in for it")
    skew = theirs - ours
    seconds = f"{abs(skew.total_seconds()):.0f} s {'ahead of' if skew > timedelta() else 'behind'}"
    if abs(skew) > SKEW:
        return Finding(f"{label}: clock skew: the vendor is {seconds} us; look at both clocks")
    return Finding(f"{label}: clocks agree ({seconds} us)")
