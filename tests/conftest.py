"""A project of its own for every test: folder, settings, pretended vendors, virtual clock."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.project import collect_seldom
from simulator import FoodicsSwitches, LokeSwitches, Simulator, VirtualClock
from simulator.accounts import settings_for
from tests.truth import expected

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# How long a soak is to be; none in the suite.
EXAMPLES = int(os.environ.get("REGULARS_EXAMPLES", "0"))


class _NoPandas:
    """Says at once that there is no pandas: DuckDB looks for it with every value it is given.

    That is a twentieth of the suite's time. To the importer it looks like any search in vain.
    """

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)


if importlib.util.find_spec("pandas") is None:
    sys.meta_path.insert(0, _NoPandas())


def pytest_collection_finish() -> None:
    """Look through what is imported no more for garbage, as a command does."""
    collect_seldom()


@pytest.fixture(scope="session")
def _hints() -> None:
    """Answer dlt once what a type means: it asks of the same few thousands of times in a run.

    That is a tenth of a run. The answer is a function of the type alone.
    """
    from dlt.common.configuration import resolve
    from dlt.common.configuration.providers import environ

    is_secret = functools.cache(environ.is_secret_hint)
    environ.is_secret_hint = resolve.is_secret_hint = is_secret  # type: ignore[attr-defined]
    resolve.extract_inner_hint = functools.cache(resolve.extract_inner_hint)  # type: ignore[attr-defined]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _hints: None) -> Path:
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
    # The pretended clock stands in May: to the machine's own everything would be stale.
    monkeypatch.setenv("SOURCES__LOKE__FRESHNESS_HOURS", "0")
    # Whose turn it is to be read in full is tested by itself; here a quiet run is quiet.
    monkeypatch.setenv("SOURCES__KOUNTA__DETAIL_MAX_AGE_DAYS", "3650")
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
def vendors(request: pytest.FixtureRequest) -> list[str]:
    """The vendors of the test's world: the one it is run for, LOKE where it names none."""
    callspec = getattr(request.node, "callspec", None)
    return [callspec.params.get("vendor", "loke")] if callspec else ["loke"]


@pytest.fixture
def sim(
    clock: VirtualClock, project: Path, monkeypatch: pytest.MonkeyPatch, vendors: list[str]
) -> Simulator:
    """The test's vendors with small pages, configured as the project's only accounts."""
    made = Simulator(
        customers=130,
        clock=clock,
        only=vendors,
        loke=LokeSwitches(page_size=20),
        foodics=FoodicsSwitches(page_size=20),
    )
    configure(made, monkeypatch)
    return made


def configure(made: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the project's settings at a simulator: every account of every vendor it has."""
    for name, value in settings_for(made).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def sync(
    sim: Simulator, clock: VirtualClock, vendors: list[str], tables: Tables
) -> Callable[..., Any]:
    """Run one sync in this process, time passing only as the clock is told."""

    def run(timing: Any = None, **options: Any) -> Any:
        from pipelines.sync import sync as run_sync
        from sources.throttle import Timing

        sim.reset_counters()
        timing = timing or Timing(clock.now, clock.sleep)
        return run_sync(vendors, timing=timing, transport=sim.transport(), **options)

    return run


def answer(connection: duckdb.DuckDBPyConnection, text: str) -> list[tuple[Any, ...]]:
    """Return a query's rows; none where there is no such table."""
    try:
        return connection.execute(text).fetchall()
    except duckdb.CatalogException:
        return []


class Tables:
    """The warehouse as an analyst reads it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Return a query's rows; none where nothing has been published."""
        return self.answers([text])[0]

    def answers(self, texts: Sequence[str]) -> list[list[tuple[Any, ...]]]:
        """Return the rows of several queries, the file opened once."""
        if not self.file.exists():
            return [[] for _ in texts]
        with duckdb.connect(str(self.file), read_only=True, config={"threads": 1}) as connection:
            connection.execute("set timezone = 'UTC'")
            return [answer(connection, text) for text in texts]

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
        found = self.answers([f"select * from {name}" for (name,) in names])
        return {name: sorted(rows, key=repr) for (name,), rows in zip(names, found, strict=True)}


@pytest.fixture
def tables(
    project: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Tables:
    """The project's warehouse; one in memory for a test marked `light` and not `whole`."""
    marked = request.node.get_closest_marker
    if not marked("light") or marked("whole"):
        return Tables(project / "warehouse.duckdb")
    from tests.light import Light, LightTables

    light = Light()
    light.stand_in(monkeypatch)
    return LightTables(light)


def assert_true(tables: Tables, sim: Simulator) -> None:
    """Assert that core says what the vendors say, field by field, and histories are sound."""
    assert_now(tables, sim)
    assert_sound(tables)


def assert_now(tables: Tables, sim: Simulator) -> None:
    """Assert that core says what the vendors say now, field by field."""
    for vendor in sim.vendors:
        told = expected(sim, vendor)
        answers = tables.answers(
            [
                f"select {columns} from core.{name} where vendor = '{vendor}'"
                for name, (columns, _, _) in told.items()
            ]
        )
        for (name, (_, key, rows)), found in zip(told.items(), answers, strict=True):
            now = {row[:key]: row[key:] for row in found}
            assert len(now) == len(found), name
            assert now.keys() == rows.keys(), (name, now.keys() ^ rows.keys())
            for at, row in rows.items():
                assert now[at] == row, (name, at)


_KEYS = {
    "customer_history": "vendor, tenant_id, customer_id",
    "list_history": "vendor, tenant_id, list_kind, list_id",
    "membership_history": "vendor, tenant_id, list_kind, list_id, customer_id",
    "customer_address_history": "vendor, tenant_id, customer_id, address_id",
}


def assert_sound(tables: Tables) -> None:
    """Assert that no two versions of a thing hold at once, and none is empty."""
    overlaps = tables.answers(
        [
            f"select * from (select *, lead(valid_from) over (partition by {key} "
            f"order by valid_from) as following from core.{history}) "
            "where valid_to <= valid_from or following < coalesce(valid_to, 'infinity')"
            for history, key in _KEYS.items()
        ]
    )
    assert dict(zip(_KEYS, overlaps, strict=True)) == {name: [] for name in _KEYS}


def history(tables: Tables) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the histories."""
    found = tables.answers([f"select * from core.{name}" for name in _KEYS])
    return {name: sorted(rows, key=repr) for name, rows in zip(_KEYS, found, strict=True)}
