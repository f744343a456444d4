"""Case 59: who was erased is gone to the last byte, and nothing brings them back."""

from __future__ import annotations

import shutil
from pathlib import Path

import dlt
import pytest

from pipelines import warehouse
from pipelines.cli import main
from pipelines.erase import erase
from sources import VENDORS
from sources.throttle import Timing
from tests.conftest import MINUTE, assert_sound
from tests.pipelines.conftest import CANARY, killed, told


@pytest.fixture
def vendors():
    """All of them."""
    return list(VENDORS)


def _holding(folder: Path) -> list[str]:
    """Return the files that hold a byte of the guest."""
    signs = (CANARY.encode(), CANARY.upper().encode())
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if any(sign in path.read_bytes() for sign in signs))


def _erase(guest):
    return {vendor: erase(vendor, [one], tenant=tenant) for vendor, (tenant, one) in guest.items()}


def test_nothing_of_the_erased_is_left_and_nothing_brings_them_back(
    sim, sync, tables, clock, guest, monkeypatch, tmp_path
):
    """Case 59: gone from tables, rejects, file and working files; not even a kept package helps."""
    monkeypatch.setenv("RUNS__KEEP_REJECTED_VALUES", "true")
    assert sync().exit_code == 0
    clock.advance(10 * MINUTE)
    for vendor, field in (("loke", "lastName"), ("collins", "last_name"), ("foodics", "name")):
        getattr(sim, vendor).update_customer(*guest[vendor], **{field: f"{CANARY} again"})
    with monkeypatch.context() as broken:
        broken.setattr(dlt.Pipeline, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            sync()
    work = warehouse.place().folder
    shutil.copytree(work, tmp_path / "kept")
    held = _holding(tmp_path)
    assert "warehouse.duckdb" in held
    assert len(held) > 2, "nothing was pending: the test would prove nothing"
    before = told(tables, guest)
    assert {"core.customer_history", "core.membership_history", "core.customer_address_history",
            "raw_foodics.rejects"} <= before.keys()  # fmt: skip

    done = _erase(guest)
    assert {name: sum(each.rows.get(name, 0) for each in done.values()) for name in before} == {
        name: len(rows) for name, rows in before.items() if not _is_view(name)
    } | {name: 0 for name in before if _is_view(name)}
    assert told(tables, guest) == {}
    assert _holding(work) == _holding(warehouse.place().file.parent) == []

    shutil.rmtree(work)
    shutil.copytree(tmp_path / "kept", work)
    for full in (False, True):
        clock.advance(MINUTE)
        assert sync(full=full).exit_code == 0
        assert told(tables, guest) == {}
    shutil.rmtree(tmp_path / "kept")
    assert _holding(tmp_path) == []


def _is_view(name: str) -> bool:
    return name.startswith("core.") and not name.endswith("_history")


def test_everybody_else_stands_as_they_were(sim, sync, tables, clock, guest):
    """Case 59: no other row is touched, nothing is folded again, tables stay as declared."""
    sync()
    before, declared = tables.snapshot(), tables.rows(_DECLARED)
    mine = {name: set(map(repr, rows)) for name, rows in told(tables, guest).items()}
    _erase(guest)
    for name, rows in tables.snapshot().items():
        if not name.endswith(".erasures"):
            others = [row for row in before[name] if repr(row) not in mine.get(name, ())]
            assert rows == others, name
    now = [row for row in tables.rows(_DECLARED) if "erasures" not in row]
    assert now == declared
    assert tables.rows("select status, exit_code from ops.runs where command = 'erase'") == [
        ("ok", 0)
    ] * len(guest)
    clock.advance(MINUTE)
    quiet = sync()
    assert (quiet.exit_code, sum(quiet.published.keys.values())) == (0, 0)
    after = sync(full=True)
    assert sum(report.rows_changed + report.rows_removed for report in after.reports) == 0
    before_rebuild = tables.snapshot()
    assert main(["transform", "--rebuild"]) == 0
    assert tables.snapshot() == before_rebuild
    assert_sound(tables)


_DECLARED = (
    "select table_schema, table_name, column_name, data_type, is_nullable "
    "from information_schema.columns where table_name not like '\\_dlt%' escape '\\' "
    "order by all"
)


def test_backfill_of_the_erased_brings_nothing(sim, sync, tables, clock, guest):
    """Case 59: a window read again holds them still at the vendor, and here nobody."""
    from pipelines.sync import backfill
    from sources.job import Window

    sync()
    _erase(guest)
    timing = Timing(clock.now, clock.sleep)
    window = Window(clock.now() - 3000 * MINUTE, None)
    for vendor in VENDORS:
        assert backfill(vendor, window, timing=timing, transport=sim.transport()).exit_code == 0
    assert told(tables, guest) == {}
