"""The demo: pretended vendors on loopback, two syncs, and what changed between them, in SQL."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines import project, warehouse
from pipelines.query import query
from sources.errors import ConfigError, SyncError

QUERIES = (
    (
        "One guest, four systems: who is she, and may we write to her?",
        "select vendor, full_name, phone, accepts_marketing, points_balance, total_spend, currency "
        "from core.customers where email = 'mara.quill@example.com' order by vendor",
    ),
    (
        "What is she on, by whose word?",
        "select m.vendor, m.list_kind, l.name, m.added_at from core.memberships m "
        "join core.lists l using (vendor, tenant_id, list_kind, list_id) "
        "join core.customers c using (vendor, tenant_id, customer_id) "
        "where c.email = 'mara.quill@example.com' order by all",
    ),
    (
        "What changed of her, and when did we see it?",
        "select vendor, full_name, accepts_marketing, valid_from, valid_to "
        "from core.customer_history where email = 'mara.quill@example.com' "
        "order by vendor, valid_from",
    ),
)
_COUNTS = """
select vendor, count(*) filter (what = 'c') as customers, count(*) filter (what = 'l') as lists,
    count(*) filter (what = 'm') as memberships, count(*) filter (what = 'a') as addresses
from (
    select vendor, 'c' as what from core.customers union all
    select vendor, 'l' from core.lists union all
    select vendor, 'm' from core.memberships union all
    select vendor, 'a' from core.customer_addresses
) group by vendor order by vendor
"""
_CHANGES = """
with since as (select timestamptz '{since}' as moment),
happened as (
    select vendor, case when first_seen_at >= moment then 'customers: new'
        when changed_at >= moment then 'customers: changed' end as what
    from core.customers, since
    union all
    select vendor, 'customers: deleted' from core.customer_history, since
    group by vendor, tenant_id, customer_id
    having count(*) = count(valid_to) and max(valid_to) >= max(moment)
    union all
    select vendor, 'lists: new' from core.lists, since where first_seen_at >= moment
    union all
    select vendor, 'memberships: joined' from core.membership_history, since
    where valid_from >= moment
    union all
    select vendor, 'memberships: left' from core.membership_history, since where valid_to >= moment
    union all
    select vendor, 'addresses: new or changed' from core.customer_addresses, since
    where changed_at >= moment
)
pivot (from happened where what is not null) on vendor using count(*) group by what order by what
"""


def demo(customers: int) -> int:
    """Run the demo; return the first that applies of its syncs' exit codes."""
    before = dict(os.environ)
    try:
        return _demo(customers)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _demo(customers: int) -> int:
    from simulator import Simulator, story
    from simulator.accounts import settings_for

    file, made = _clean_slate()

    def sync(*flags: str) -> int:
        try:
            return _sync(*flags)
        finally:
            made.write_text("\n".join(_runs(file)), "utf-8")

    simulator = Simulator(customers=customers)
    guest = story.arrive(simulator)
    with simulator.serve() as port:
        for name in [name for name in os.environ if name.startswith("SOURCES__")]:
            del os.environ[name]
        os.environ.update(settings_for(simulator))
        _title(f"Day one: four vendors, pretended on 127.0.0.1:{port}, into {file.name}")
        codes = [sync()]
        query(_COUNTS)
        since = _now()
        _title("Meanwhile at the vendors: guests come, change their mind, leave; lists are edited")
        story.day(simulator, guest)
        _title("Day two: only what changed is read")
        codes.append(sync())
        _title("Once a day everything is read: that is what finds who is gone where nobody tells")
        codes.append(sync("--full"))
    _title("What arrived on day two")
    query(_CHANGES.format(since=since))
    for question, text in QUERIES:
        _title(question)
        sys.stdout.write(f'regulars query "{text}"\n\n')
        query(text)
    return next((code for code in (2, 3, 4, 5, 75) if code in codes), 0)


def _clean_slate() -> tuple[Path, Path]:
    """Start from no warehouse; refuse to touch one that the demo did not make.

    Returns the warehouse, and where it is noted which runs were the demo's.
    """
    file = warehouse.place().file
    if file is None:
        raise ConfigError("the demo writes a DuckDB file; unset destination.warehouse")
    made = _made()
    if file.exists() and not _is_ours(file, made):
        raise ConfigError(
            f"{file.name} exists and is not the demo's alone. Nothing was touched; move it away, "
            "or set DESTINATION__WAREHOUSE__CREDENTIALS to another file"
        )
    shutil.rmtree(made.parent, ignore_errors=True)
    for path in (file, file.with_name(file.name + ".wal")):
        path.unlink(missing_ok=True)
    made.parent.mkdir(parents=True)
    made.touch()
    # The demo's working data are its own, whatever a real account has under way.
    os.environ["DLT_DATA_DIR"] = str(made.parent / "data")
    return file, made


def _made() -> Path:
    """Return the file that tells which runs were the demo's."""
    return project.data_dir() / "demo" / f"{warehouse.place().lock_name}.runs"


def _is_ours(file: Path, made: Path) -> bool:
    """Tell whether all a warehouse holds came by runs of the demo, if only by half of one."""
    return made.exists() and _runs(file) <= set(made.read_text("utf-8").split())


def _runs(file: Path) -> set[str]:
    """Return the ids of all runs a warehouse was written by; none where it does not tell."""
    import duckdb

    try:
        with duckdb.connect(str(file), read_only=True) as db:
            return {run for (run,) in db.execute("select run_id from ops.runs").fetchall()}
    except duckdb.Error:
        return set()


def _sync(*flags: str) -> int:
    from pipelines import sync as runs
    from pipelines.commands import report

    sys.stdout.write(f"$ regulars sync {' '.join(flags)}\n")
    try:
        return report(runs.sync(full="--full" in flags))
    except SyncError as error:
        sys.stderr.write(f"regulars: {error}\n")
        return error.exit_code


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()


def _title(text: str, write: Callable[[str], object] = sys.stdout.write) -> None:
    write(f"\n— {text}\n\n")
