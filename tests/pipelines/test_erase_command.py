"""The command that erases: what it asks for, what it says, and what ends it half-way."""

from __future__ import annotations

import shutil
from pathlib import Path

import dlt
import duckdb
import pytest

from pipelines import lock, warehouse
from pipelines.cli import main
from pipelines.erase import erase
from pipelines.status import status
from sources.errors import Locked
from sources.throttle import Timing
from tests.conftest import MINUTE
from tests.pipelines.conftest import CANARY, killed, told
from transforms.erasing import Erasing


def test_who_is_let_in_again_comes_back(sim, sync, tables, guest, capsys):
    """`--lift` undoes a wrong id; the next complete scan brings them back, lists and all."""
    sync()
    before = tables.snapshot()["core.memberships"]
    tenant, customer = guest["loke"]
    assert main(["erase", "loke", customer, "--tenant", tenant]) == 0
    said = capsys.readouterr().out
    assert "1 row of raw_loke.customers\n" in said
    assert "1 customer of loke: erased" in said
    assert customer not in said
    assert (tenant, customer) not in tables.customers()
    assert main(["erase", "loke", customer, "--tenant", tenant, "--lift"]) == 0
    sync(full=True)
    assert (tenant, customer) in tables.customers()
    assert [row[:5] for row in tables.snapshot()["core.memberships"]] == [row[:5] for row in before]


def test_crash_before_the_rows_go_leaves_somebody_who_can_be_erased(
    sim, sync, tables, guest, monkeypatch
):
    """Case 59: written down first: a run between crash and second try brings nothing new."""
    sync()
    tenant, customer = guest["loke"]
    with monkeypatch.context() as broken:
        broken.setattr(Erasing, "erase", killed)
        with pytest.raises(KeyboardInterrupt):
            erase("loke", [customer], tenant=tenant)
    sim.loke.update_customer(tenant, customer, lastName=CANARY)
    assert sync(full=True).exit_code == 0
    named = f"select count(*) from raw_loke.customers where last_name = '{CANARY}'"
    assert tables.one(named) == 0
    assert erase("loke", [customer], tenant=tenant).rows["raw_loke.customers"] == 1
    assert told(tables, {"loke": guest["loke"]}).keys() & {"raw_loke.customers"} == set()


def test_file_that_cannot_be_copied_says_what_is_left_undone(
    sim, sync, tables, guest, monkeypatch, capsys
):
    """The rows are gone and the run ends 75, 2 or 4; the same command again finishes it."""
    sync()
    tenant, customer = guest["loke"]
    for error, code in (
        (OSError(28, "full"), 75),
        (duckdb.OutOfMemoryException("Out of Memory Error: made up"), 2),
        (PermissionError(13, "no"), 4),
    ):

        def fails(*_, error=error):
            raise error

        with monkeypatch.context() as broken:
            broken.setattr("pipelines.duckdb_file.File.rewrite", fails)
            assert main(["erase", "loke", customer, "--tenant", tenant]) == code
        assert "the same command again" in capsys.readouterr().err
        assert (tenant, customer) not in tables.customers()
    assert main(["erase", "loke", customer, "--tenant", tenant]) == 0
    assert not told(tables, {"loke": guest["loke"]}).keys() & {"raw_loke.customers"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody", "1"], "no vendor 'nobody'"),
        (["kounta", "1"], "nothing of kounta was ever landed"),
        (["loke", "1"], "--tenant has to be named"),
        (["loke", "1", "--tenant", "x"], "--tenant is none of them"),
        (["loke", "1", "\ud800"], "id 2 of 2 is no text"),
    ],
)
def test_wrong_words_change_nothing(sim, sync, tables, arguments, told, capsys):
    """Bad input is exit 2, says what is wrong, and writes nothing."""
    sync()
    before = tables.rows("select count(*) from ops.runs"), tables.snapshot()
    assert main(["erase", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert (tables.rows("select count(*) from ops.runs"), tables.snapshot()) == before


def test_unknown_id_is_told_by_its_place_alone(sim, sync, tables, guest, capsys):
    """What is typed as an id may be an address; nobody of the others is erased either."""
    sync()
    tenant, customer = guest["loke"]
    before = tables.snapshot()
    assert main(["erase", "loke", customer, CANARY, "--tenant", tenant]) == 2
    said = capsys.readouterr().err
    assert "id 2 of 2 is no customer" in said
    assert CANARY not in said
    assert main(["erase", "loke", customer, "--tenant", tenant, "--lift"]) == 2
    assert "was not erased" in capsys.readouterr().err
    assert tables.snapshot() == before


@pytest.mark.parametrize("lift", [False, True], ids=["erase", "lift"])
def test_what_is_pending_is_neither_loaded_nor_in_the_way(
    sim, sync, tables, clock, guest, monkeypatch, lift
):
    """Case 59: a killed run's package takes no word out of the command's mouth."""
    sync()
    tenant, customer = guest["loke"]
    if lift:
        erase("loke", [customer], tenant=tenant)
    clock.advance(10 * MINUTE)
    sim.loke.update_customer(tenant, customer, lastName="Later")
    with monkeypatch.context() as broken:
        broken.setattr(dlt.Pipeline, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            sync()
    erase("loke", [customer], tenant=tenant, lift=lift)
    last = tables.rows("select _op from raw_loke.erasures order by _observed_at desc limit 1")
    assert last == [("delete" if lift else "upsert",)]
    sync(full=True)
    assert ((tenant, customer) in tables.customers()) == lift


def test_clock_that_steps_back_between_two_commands_turns_nothing_round(
    sim, sync, tables, clock, guest
):
    """Case 59: what was asked for last is what holds, whatever our clock says."""
    sync()
    tenant, customer = guest["loke"]
    for lift, hours in ((False, 0), (True, 1), (False, -1)):
        timing = Timing(lambda hours=hours: clock.now() + hours * 60 * MINUTE, clock.sleep)
        if not lift:
            sync(full=True)
        erase("loke", [customer], tenant=tenant, lift=lift, timing=timing)
    sync(full=True)
    assert (tenant, customer) not in tables.customers()


def test_totals_are_compared_without_the_erased(sim, sync, clock, guest):
    """Nine guests on many lists: a vendor counts them still, and `status` alarms nobody for it."""
    org = guest["loke"][0]
    lists = sim.loke.list_ids(org)
    chosen = [guest["loke"][1], *sim.loke.member_ids(org, lists[0])[:8]]
    for list_id in lists:
        sim.loke.set_members(org, list_id, [*{*sim.loke.member_ids(org, list_id), *chosen}])
    sync()
    erase("loke", chosen, tenant=org)
    for _ in range(2):
        clock.advance(MINUTE)
        assert sync(full=True).exit_code == 0
        told = {scan["resource"]: scan["compared"] for scan in status()["scans"]
                if scan["vendor"] == "loke" and scan["tenant_id"] == org}  # fmt: skip
        compared = told["customer_list_members"]
        assert compared["vendor_total"] == compared["rows"]


@pytest.mark.parametrize("vendor", ["collins", "foodics"])
def test_label_of_the_erased_is_not_looked_into_for_ever(sim, sync, clock, guest, vendor):
    """They are counted on their labels still: a difference that stays is known."""
    sync()
    erase(vendor, [guest[vendor][1]], tenant=guest[vendor][0])
    asked = []
    for _ in range(3):
        clock.advance(MINUTE)
        sync(full=True)
        asked.append(len(sim.requests))
    assert asked[2] == asked[1] <= asked[0]


@pytest.mark.parametrize("vendor", ["foodics"])
def test_tenant_of_whom_nobody_is_left_can_still_be_named(sync, tables, guest, vendor):
    """Case 59: its last customer's erasure can be done again, and lifted."""
    sync()
    tenant = guest[vendor][0]
    everybody = [one for (one,) in tables.rows(
        f"select customer_id from core.customers where tenant_id = '{tenant}'")]  # fmt: skip
    for lift in (False, False, True):
        assert erase(vendor, everybody, tenant=tenant, lift=lift).customers == len(everybody)


def test_copy_has_the_owner_and_the_mode_of_the_file(sim, sync, guest, monkeypatch):
    """Nobody may read the copy before it is the file, or the file less than before."""
    sync()
    file, modes = warehouse.place().file, []
    file.chmod(0o640)
    replace = Path.replace

    def seen(self, target):
        modes.append((self.stat().st_mode & 0o777, self.stat().st_uid))
        return replace(self, target)

    with monkeypatch.context() as watched:
        watched.setattr(shutil, "copymode", lambda *_: None)
        watched.setattr(Path, "replace", seen)
        erase("loke", [guest["loke"][1]], tenant=guest["loke"][0])
    assert modes[-1] == (0o600, file.stat().st_uid)
    file.chmod(0o640)
    erase("loke", [guest["loke"][1]], tenant=guest["loke"][0])
    assert file.stat().st_mode & 0o777 == 0o640


def test_no_warehouse_is_made_to_erase_from(project, capsys):
    """Where there is none, none comes of it."""
    assert main(["erase", "loke", "1"]) == 2
    assert "no warehouse yet" in capsys.readouterr().err
    assert not (project / "warehouse.duckdb").exists()


def test_erasing_waits_for_no_run(sim, sync, tables, guest):
    """While a run of the account is under way nothing is erased: exit 75."""
    sync()
    before = tables.snapshot()
    tenant, customer = guest["loke"]
    with lock.held(warehouse.place().lock_of("loke")), pytest.raises(Locked):
        erase("loke", [customer], tenant=tenant)
    assert tables.snapshot() == before
