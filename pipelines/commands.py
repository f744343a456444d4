"""What each command prints, and the exit code it ends with."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from datetime import date
from typing import TYPE_CHECKING

from sources.errors import ConfigError, Held, exit_code_of

if TYPE_CHECKING:
    from pipelines.publishing import Outcome
    from sources.job import Window

_LAST_PORT = 65_535


def run_sync(options: Namespace) -> int:
    """`regulars sync`."""
    from pipelines import sync as runs

    outcome = runs.sync(
        options.vendors, full=options.full, allow_mass_delete=options.allow_mass_delete
    )
    return report(outcome)


def run_backfill(options: Namespace) -> int:
    """`regulars backfill`."""
    from pipelines import sync as runs

    return report(runs.backfill(options.vendor, _window(options.since, options.until)))


def _window(since: str, until: str | None) -> Window:
    """Return the days a backfill was asked for, from the first moment to the last, UTC."""
    from datetime import UTC, datetime, time

    from sources.job import Window

    def day(name: str, text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise ConfigError(f"{name} is not a day such as 2026-03-01. Nothing was read") from None

    first, last = day("--from", since), day("--to", until) if until else None
    if first > datetime.now(UTC).date() or (last is not None and last < first):
        raise ConfigError("--from lies behind --to, or in the future. Nothing was read")
    begins = datetime.combine(first, time.min, UTC)
    return Window(begins, datetime.combine(last, time.max, UTC) if last else None)


def run_transform(options: Namespace) -> int:
    """`regulars transform`."""
    from pipelines import sync as runs

    return report(runs.transform(rebuild=options.rebuild))


def run_erase(options: Namespace) -> int:
    """`regulars erase`."""
    from pipelines.erase import erase

    done = erase(options.vendor, options.ids, tenant=options.tenant, lift=options.lift)
    people = f"{done.customers} customer{'' if done.customers == 1 else 's'} of {options.vendor}"
    if options.lift:
        _say(f"{people}: let in again; `regulars sync {options.vendor} --full` brings them back")
        return 0
    for table, count in done.rows.items():
        _say(f"{count} row{'' if count == 1 else 's'} of {table}")
    _say(f"{people}: erased, and left out by every sync from now on")
    if not done.rewritten:
        _say("what the warehouse keeps of deleted rows (time travel) is for its own settings")
    _say("the vendor has them still, and so have backups: erase them there too")
    return 0


def run_status(options: Namespace) -> int:
    """`regulars status`: what stands, and 5 while something of it needs a person."""
    from pipelines.status import needs_a_person, status
    from pipelines.status_text import print_status

    found = status()
    if options.json:
        import orjson

        _say(orjson.dumps(found, default=str, option=orjson.OPT_INDENT_2).decode())
    else:
        print_status(found)
    return Held.exit_code if needs_a_person(found) else 0


def run_query(options: Namespace) -> int:
    """`regulars query`."""
    from pipelines.query import query

    query(options.sql, form=options.format, output=options.output)
    return 0


def run_check(_: Namespace) -> int:
    """`regulars check`."""
    from pipelines.probe import check

    errors = []
    for finding in check():
        _say(finding.text)
        if finding.error is not None:
            errors.append(finding.error)
            sys.stderr.write(f"regulars: {finding.error}\n")
    return exit_code_of(errors)


def run_plan(options: Namespace) -> int:
    """`regulars plan`."""
    from pipelines.plan import plan
    from pipelines.status_text import held_text

    found = plan(options.vendors)
    known = [step.requests for step in found.steps if step.requests is not None]
    for step in found.steps:
        asked = "" if step.requests is None else f"about {_requests(step.requests)}, "
        pace = f"{step.minutes:.1f} min under the limit, " if step.minutes else ""
        _say(
            f"{step.vendor}/{step.resource} {step.tenant_id}: {step.kind}, {asked}{pace}{step.note}"
        )
    if known:
        _say(f"in all about {_requests(sum(known))}")
    if len(known) < len(found.steps):
        _say("how many requests a scan takes that was never made is known once it has been made")
    for waiting in found.held:
        _say(f"waits for --full --allow-mass-delete: {held_text(waiting)}")
    if not found.held:
        _say("removals: none is waiting; what is gone shows only when a complete scan has read on")
    return 0


def run_simulate(options: Namespace) -> int:
    """`regulars simulate`: until interrupted."""
    if options.customers < 0:
        raise ConfigError("--customers is less than 0")
    if not 0 <= options.port <= _LAST_PORT:
        raise ConfigError(f"--port is not between 0 and {_LAST_PORT}")
    from simulator import Simulator
    from simulator.accounts import settings_for
    from simulator.server import serve

    simulator = Simulator(customers=options.customers, seed=options.seed)

    def ready(port: int) -> None:
        _say(f"# the vendors, pretended on 127.0.0.1:{port}; to sync from them:")
        for key, value in settings_for(simulator).items():
            _say(f"export {key}={shlex.quote(value)}")
        sys.stdout.flush()

    try:
        serve(simulator, options.port, ready)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        raise ConfigError(f"--port {options.port}: {error.strerror}") from None
    return 0


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def run_demo(options: Namespace) -> int:
    """`regulars demo`."""
    from pipelines.demo import demo

    return demo(options.customers)


def _say(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def report(outcome: Outcome) -> int:
    """Print what a run did, a line a scan, then its errors; return its exit code.

    Scans of what stands inside other records are left out where they found nothing.
    """
    told = [
        scan
        for scan in outcome.reports
        if scan.requests or scan.rows_changed or scan.rows_removed or not scan.complete
    ]
    for scan in sorted(told, key=lambda scan: (scan.vendor, scan.tenant_id)):
        state = "" if scan.complete else " (not complete)"
        _say(
            f"{scan.vendor}/{scan.resource} {scan.tenant_id}: {scan.kind}, "
            f"{scan.rows_seen} read, {scan.rows_changed} changed, {scan.rows_removed} removed, "
            f"{scan.requests} requests{state}"
        )
    published = outcome.published
    total = sum(published.keys.values())
    if not total and not outcome.errors:
        fresh = "nothing has changed since the last run"
        _say(fresh if outcome.reports else "core has all that is landed")
    elif total:
        parts = ", ".join(f"{count} {name}" for name, count in published.keys.items() if count)
        _say(f"published: the histories of {parts}" + (" (rebuilt)" if published.rebuilt else ""))
    for error in dict.fromkeys(map(str, outcome.errors)):
        sys.stderr.write(f"regulars: {error}\n")
    _say(f"run {outcome.run_id}: {outcome.status}")
    return outcome.exit_code
