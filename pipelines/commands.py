"""What each command prints, and the exit code it ends with."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import date
from typing import TYPE_CHECKING, Any

from sources.errors import ConfigError, Held, exit_code_of

if TYPE_CHECKING:
    from pipelines.sync import Outcome
    from sources.job import Window


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


def run_status(options: Namespace) -> int:
    """`regulars status`: what stands, and 5 while removals are held."""
    from pipelines.status import status

    found = status()
    if options.json:
        import orjson

        _say(orjson.dumps(found, default=str, option=orjson.OPT_INDENT_2).decode())
    else:
        _print_status(found)
    return Held.exit_code if found["held"] else 0


def _print_status(found: dict[str, Any]) -> None:
    if not found["runs"]:
        _say("nothing has run yet")
    for run in found["runs"][:1]:
        _say(f"last run {run['run_id']}: {run['command']} {run['status']} at {run['finished_at']}")
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = ("rows", "vendor says", "age")
    for name in ("vendor", "tenant", "resource", *numbers, "kind", "complete", "watermark"):
        table.add_column(name, justify="right" if name in numbers else "left")
    for scan in found["scans"]:
        table.add_row(
            scan["vendor"],
            scan["tenant_id"],
            scan["resource"],
            _text(scan["rows"]),
            _text(scan["vendor_total"]),
            _age(scan["age_seconds"]),
            scan["kind"],
            "yes" if scan["complete"] else "NO",
            _text(scan["watermark"]),
        )
    if found["scans"]:
        Console(width=None if sys.stdout.isatty() else 200).print(table)
    for scan in found["under_way"]:
        _say(
            f"under way: {scan['vendor']}/{scan['resource']} {scan['tenant_id']}, "
            f"part {scan['part']} landed; the next run goes on there"
        )
    for plan in found["held"]:
        scope = f" of {plan['scope']}" if plan["scope"] else ""
        _say(
            f"HELD: {plan['missing']} of {plan['alive']} {plan['resource']}{scope} "
            f"({plan['vendor']}, {plan['tenant_id']}) would be removed; ids in {plan['plan']}"
        )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


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
    from pipelines.probe import plan
    from pipelines.status import held

    steps = plan(options.vendors)
    for step in steps:
        asked = f"about {step.requests} requests, " if step.requests else ""
        pace = f"{step.minutes:.1f} min under the limit, " if step.minutes else ""
        _say(
            f"{step.vendor}/{step.resource} {step.tenant_id}: {step.kind}, {asked}{pace}{step.note}"
        )
    if all(step.requests for step in steps):
        _say(f"in all about {sum(step.requests for step in steps)} requests")
    else:
        _say("how many requests a first sync takes is known when it has read the account")
    plans = held()
    for waiting in plans:
        _say(
            f"would remove with --allow-mass-delete: {waiting['missing']} {waiting['resource']} "
            f"({waiting['vendor']}, {waiting['tenant_id']})"
        )
    if not plans:
        _say("removals: none is waiting; what is gone shows only when a complete scan has read on")
    return 0


def run_simulate(options: Namespace) -> int:
    """`regulars simulate`: until interrupted."""
    from simulator import Simulator
    from simulator.server import serve

    simulator = Simulator(customers=options.customers, seed=options.seed)

    def ready(port: int) -> None:
        loke = simulator.loke
        _say(f"# the vendors, pretended on 127.0.0.1:{port}; to sync from them:")
        for key, value in (
            ("BASE_URL", loke.base_url),
            ("TOKEN_URL", loke.token_url),
            ("CLIENT_ID", loke.client_id),
            ("CLIENT_SECRET", loke.client_secret),
        ):
            _say(f"export SOURCES__LOKE__{key}={value}")
        sys.stdout.flush()

    try:
        serve(simulator, options.port, ready)
    except OSError as error:
        raise ConfigError(f"--port {options.port}: {error.strerror}") from None
    return 0


def run_demo(options: Namespace) -> int:
    """`regulars demo`."""
    from pipelines.demo import demo

    return demo(options.customers)


def _say(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def report(outcome: Outcome) -> int:
    """Print what a run did, a line a scan, then its errors; return its exit code."""
    for scan in sorted(outcome.reports, key=lambda scan: (scan.vendor, scan.tenant_id)):
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
