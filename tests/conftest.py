"""A project of its own for every test: folder, settings, pretended vendors, virtual clock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from simulator import LokeSwitches, Simulator, VirtualClock

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder with the committed settings, and nothing of the machine's own."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "DESTINATION__", "RUNS__", "DLT_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "project"
    (folder / ".dlt").mkdir(parents=True)
    shutil.copy(ROOT / ".dlt" / "config.toml", folder / ".dlt" / "config.toml")
    monkeypatch.setenv("DLT_PROJECT_DIR", str(folder))
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DESTINATION__WAREHOUSE__LOCK_WAIT_SECONDS", "0")
    _forget_settings()
    return folder


def _forget_settings() -> None:
    """Make dlt read the settings of this test's folder."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].reload(os.environ["DLT_PROJECT_DIR"])


@pytest.fixture
def clock() -> VirtualClock:
    """A clock both sides share, standing at noon."""
    return VirtualClock(NOON)


@pytest.fixture
def sim(clock: VirtualClock, project: Path, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """LOKE with small pages, configured as the project's only account."""
    made = Simulator(customers=130, clock=clock, loke=LokeSwitches(page_size=20))
    configure(made, monkeypatch)
    return made


def configure(made: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the project's settings at a simulator."""
    for key in ("base_url", "token_url", "client_id", "client_secret"):
        monkeypatch.setenv(f"SOURCES__LOKE__{key.upper()}", getattr(made.loke, key))


@pytest.fixture
def sync(sim: Simulator, clock: VirtualClock) -> Callable[..., Any]:
    """Run one sync in this process, time passing only as the clock is told."""

    def run(timing: Any = None, **options: Any) -> Any:
        from pipelines.sync import sync as run_sync
        from sources.throttle import Timing

        sim.reset_counters()
        timing = timing or Timing(clock.now, clock.sleep)
        return run_sync(["loke"], timing=timing, transport=sim.transport(), **options)

    return run


class Tables:
    """The warehouse as an analyst reads it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Return a query's rows; none where nothing has been published."""
        if not self.file.exists():
            return []
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            try:
                return connection.execute(text).fetchall()
            except duckdb.CatalogException:
                return []

    def one(self, text: str) -> Any:
        """Return a query's only value; 0 where there is no table."""
        rows = self.rows(text)
        return rows[0][0] if rows else 0

    def customers(self) -> set[tuple[str, str]]:
        """(tenant, id) of every customer there is now."""
        return set(self.rows("select tenant_id, customer_id from core.customers"))

    def members(self) -> set[tuple[str, str, str]]:
        """(tenant, list, customer) of every membership there is now."""
        return set(self.rows("select tenant_id, list_id, customer_id from core.memberships"))

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything core and raw hold, in an order of its own."""
        names = self.rows(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema = 'core' or (table_schema like 'raw_%' "
            "and table_name not like '\\_dlt%' escape '\\') order by 1"
        )
        return {name: sorted(self.rows(f"select * from {name}"), key=repr) for (name,) in names}


@pytest.fixture
def tables(project: Path) -> Iterator[Tables]:
    """The project's warehouse."""
    return Tables(project / "warehouse.duckdb")


def assert_true(tables: Tables, sim: Simulator) -> None:
    """Assert that core says what the vendor says, field by field, and histories are sound."""
    truth = sim.loke.truth()
    currency = {org: record.get("currency") for org, record in truth.organizations.items()}
    rows = tables.rows(
        "select tenant_id, customer_id, first_name, last_name, accepts_marketing, birth_date, "
        "points_balance, total_spend, currency, created_at, updated_at from core.customers"
    )
    found = {row[:2]: row[2:] for row in rows}
    assert len(found) == len(rows)
    assert set(found) == set(truth.customers)
    for key, record in truth.customers.items():
        assert found[key] == _expected(record, currency[key[0]]), key
    lists = tables.rows("select tenant_id, list_id, name, member_count from core.lists")
    assert {row[:2]: row[2:] for row in lists} == {
        key: (record["name"], record.get("memberCount")) for key, record in truth.lists.items()
    }
    members = tables.rows("select tenant_id, list_id, customer_id, added_at from core.memberships")
    assert {row[:3]: row[3] for row in members} == {
        (org, list_id, member): _time(added)
        for (org, list_id), on_list in truth.members.items()
        for member, added in on_list.items()
    }
    assert_sound(tables)


def _expected(record: dict[str, Any], currency: str | None) -> tuple[Any, ...]:
    from decimal import Decimal

    statistics = record.get("statistics") or {}
    spend, points = statistics.get("totalSpend"), statistics.get("pointsBalance")
    return (
        record["firstName"].strip() or None,
        record["lastName"].strip() or None,
        record.get("hasAgreedToMarketing"),
        datetime.fromisoformat(record["dob"]).date() if record.get("dob") else None,
        None if points is None else Decimal(points),
        None if spend is None or currency is None else Decimal(spend) / 100,
        None if spend is None else currency,
        _time(record.get("createdAt")),
        _time(record.get("updatedAt")),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


_KEYS = {
    "customer_history": "vendor, tenant_id, customer_id",
    "list_history": "vendor, tenant_id, list_kind, list_id",
    "membership_history": "vendor, tenant_id, list_kind, list_id, customer_id",
}


def assert_sound(tables: Tables) -> None:
    """Assert that no two versions of a thing hold at once, and none is empty."""
    for history, key in _KEYS.items():
        overlaps = tables.rows(
            f"select * from (select *, lead(valid_from) over (partition by {key} "
            f"order by valid_from) as following from core.{history}) "
            "where valid_to <= valid_from or following < coalesce(valid_to, 'infinity')"
        )
        assert overlaps == [], history


def history(tables: Tables) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the three histories."""
    return {name: sorted(tables.rows(f"select * from core.{name}"), key=repr) for name in _KEYS}
