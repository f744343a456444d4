"""Where memory or disk is short nothing is lost: there is a second try, or the next run goes on."""

from __future__ import annotations

import errno
import logging

import pytest
from dlt.common.storages.file_storage import FileStorage
from dlt.destinations.exceptions import DatabaseTransientException

from pipelines import sync as runs
from pipelines import warehouse
from sources.scratch import Scratch
from tests.conftest import assert_true


def test_publish_out_of_memory_is_tried_with_more(sim, sync, tables, monkeypatch, caplog):
    """Too tight a memory limit costs a second try, not the run."""
    caplog.set_level(logging.INFO, "regulars")
    sync()
    org = sim.loke.organizations[0]
    for _ in range(3):
        sim.loke.touch(org, 90)
        sync(full=True)
    monkeypatch.setenv("DESTINATION__WAREHOUSE__MEMORY_LIMIT", "1200KB")
    sim.loke.create_customer(org)
    from pipelines.sync import transform

    assert transform(rebuild=True).exit_code == 0
    assert "publishing again with a memory limit" in caplog.text
    monkeypatch.delenv("DESTINATION__WAREHOUSE__MEMORY_LIMIT")
    sync()
    assert_true(tables, sim)


def test_disk_that_is_full_in_the_middle_of_a_scan_costs_no_checkpoint(
    sim, sync, tables, monkeypatch
):
    """Nobody's promise is broken: exit 75, and the next run goes on where this one was."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    save = Scratch.save

    def save_on_a_small_disk(self, *args):
        save(self, *args)
        # No smaller than it is: it cannot grow any more.
        self._db.execute("pragma max_page_count = 1")

    monkeypatch.setattr(Scratch, "save", save_on_a_small_disk)
    org = sim.loke.organizations[0]
    outcome = sync()
    assert outcome.exit_code == 75
    assert "a disk is full" in str(outcome.errors[0])
    assert tables.one("select count(*) from raw_loke.customers") > 0
    assert not [key for key in tables.customers() if key[0] == org]
    monkeypatch.setattr(Scratch, "save", save)
    sim.reset_counters()
    assert sync().exit_code == 0
    assert_true(tables, sim)
    assert 0 < sim.count(rf"{org}/customers\?") < 5


def test_disk_that_is_full_when_a_part_is_written_costs_nothing_but_time(
    sim, sync, tables, monkeypatch
):
    """What dlt cannot write is no vendor's fault either."""
    sync()
    before = tables.customers()
    sim.loke.create_customer(sim.loke.organizations[0])
    with monkeypatch.context() as patch:

        def fail(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr(FileStorage, "atomic_rename", fail)
        outcome = sync()
    assert outcome.exit_code == 75
    assert "a disk is full" in str(outcome.errors[0])
    assert tables.customers() == before
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_file_opened_anew_after_memory_ran_out_lets_rows_be_deleted(project):
    """What DuckDB was deleting when memory ran out it lets nobody delete: hence the reopening."""
    delete = "delete from guests where id in (select id from gone)"
    with warehouse.writing() as destination, warehouse.sql(destination) as sql:
        sql.run("create table guests as select i::text id from range(2000000) each(i)")
        sql.run("create table gone as select (i * 2000)::text id from range(1000) each(i)")
        sql.run("checkpoint")
        sql.run("set memory_limit = '14MB'")
        with pytest.raises(DatabaseTransientException, match="Out of Memory"):
            sql.run(delete)
        sql.run("set memory_limit = '256MB'")
        with pytest.raises(DatabaseTransientException, match="Conflict"):
            sql.run(delete)
        with warehouse.sql(destination.anew("256MB")) as again:
            again.run(delete)
            assert again.run("select count(*) from guests") == [(1_999_000,)]


def test_publish_after_loading_is_tried_again_on_a_file_nobody_holds(
    sim, sync, tables, monkeypatch
):
    """What loaded has let go of it: DuckDB begins anew, with nothing of the old in its way."""
    publish, threads = runs.publish, []

    def run_out_of_memory_first(sql, **facts):
        threads.append(sql.run("select current_setting('threads')")[0][0])
        if len(threads) == 1:
            sql.run("set threads = 7")
            raise DatabaseTransientException(RuntimeError("Out of Memory Error: made up"))
        return publish(sql, **facts)

    monkeypatch.setattr(runs, "publish", run_out_of_memory_first)
    assert sync().exit_code == 0
    assert threads[1] == threads[0] != 7
    assert_true(tables, sim)
