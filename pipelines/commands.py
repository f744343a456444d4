"""What each command prints, and the exit code it ends with."""

from __future__ import annotations

import sys
from argparse import Namespace

from pipelines import sync as runs
from pipelines.sync import Outcome


def run_sync(options: Namespace) -> int:
    """`regulars sync`."""
    outcome = runs.sync(
        options.vendors, full=options.full, allow_mass_delete=options.allow_mass_delete
    )
    return _report(outcome)


def run_transform(options: Namespace) -> int:
    """`regulars transform`."""
    return _report(runs.transform(rebuild=options.rebuild))


def _say(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def _report(outcome: Outcome) -> int:
    """Print what a run did, a line a scan, then its errors; return its exit code."""
    for scan in outcome.reports:
        state = "" if scan.complete else " (not complete)"
        _say(
            f"{scan.vendor}/{scan.resource} {scan.tenant_id}: {scan.kind}, "
            f"{scan.rows_seen} read, {scan.rows_changed} changed, {scan.rows_removed} removed, "
            f"{scan.requests} requests{state}"
        )
    published = outcome.published
    total = sum(published.keys.values())
    if outcome.reports and not total and not outcome.errors:
        _say("nothing has changed since the last run")
    elif total:
        parts = ", ".join(f"{count} {name}" for name, count in published.keys.items() if count)
        _say(f"published: {parts}" + (" (rebuilt)" if published.rebuilt else ""))
    for error in outcome.errors:
        sys.stderr.write(f"regulars: {error}\n")
    _say(f"run {outcome.run_id}: {outcome.status}")
    return outcome.exit_code
