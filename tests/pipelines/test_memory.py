"""Where memory or disk is short nothing is lost: there is a second try, or the next run goes on."""

from __future__ import annotations

import errno
import logging

import dlt
import duckdb
import pytest
from dlt.common.storages.file_storage import FileStorage
from dlt.destinations.exceptions import DatabaseTransientException
from dlt.load import Load

from pipelines import duckdb_file, publishing, warehouse
from sources import cache
from sources.errors import Locked
from sources.scratch import Scratch
from tests.conftest import MINUTE, assert_true
from transforms.publish import Warehouse


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


def test_many_keys_seen_again_fit_the_memory_that_is_given(sim, sync, tables, caplog):
    """A tenth of 200 000 customers changed took 256 MB, at the second try, where 64 are given."""
    caplog.set_level(logging.INFO, "regulars")
    sync()
    with duckdb.connect(str(tables.file)) as db:
        db.execute(
            "insert into raw_loke.customers by name select one.* replace ("
            "    md5(key::text) as id, _observed_at + to_seconds(again) as _observed_at,"
            "    md5(text) as _row_hash, text as email, text as first_name, text as last_name) "
            "from (select * from raw_loke.customers limit 1) as one, (select key, again,"
            "    md5((key + again)::text) || md5((key * again)::text) as text "
            "    from range(20000) as keys(key), range(3) as times(again))"
        )
    from pipelines.sync import transform

    assert transform(rebuild=True).exit_code == 0
    assert tables.one("select count(*) from core.customer_history") == 130 + 60_000
    assert "publishing again" not in caplog.text


def find_no_room(*_, **__):
    """Be a write to a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_disk_that_is_full_in_the_middle_of_a_scan_costs_no_checkpoint(
    sim, sync, tables, monkeypatch
):
    """Nobody's promise is broken: exit 75, and the next run goes on where this one was."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    # Of so few customers none else would be full.
    monkeypatch.setattr(cache, "_PAGE", 4096)
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
        patch.setattr(FileStorage, "atomic_rename", find_no_room)
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
        # In one thread it has deleted something when memory runs out, however busy the machine is.
        sql.run("set threads = 1")
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
    publish, threads = publishing.publish, []

    def run_out_of_memory_first(sql, **facts):
        threads.append(sql.run("select current_setting('threads')")[0][0])
        if len(threads) == 1:
            sql.run("set threads = 7")
            raise DatabaseTransientException(RuntimeError("Out of Memory Error: made up"))
        return publish(sql, **facts)

    monkeypatch.setattr(publishing, "publish", run_out_of_memory_first)
    assert sync().exit_code == 0
    assert threads[1] == threads[0] != 7
    assert_true(tables, sim)


@pytest.mark.parametrize("step", [(dlt.Pipeline, "load"), (Load, "run")], ids=["ours", "dlt's"])
def test_what_was_read_before_the_disk_was_full_is_landed_when_there_is_room(
    sim, sync, tables, monkeypatch, step
):
    """An observation the vendor has overwritten since is a version of the history all the same."""
    sync()
    org = sim.loke.organizations[0]
    one = sim.loke.customer_ids(org)[0]
    with monkeypatch.context() as patch:
        patch.setattr(*step, find_no_room)
        for name in ("Ada", "Eve"):
            sim.loke.update_customer(org, one, firstName=name)
            sim.clock.advance(MINUTE)
            assert sync().exit_code == 75
    assert sync().exit_code == 0
    assert_true(tables, sim)
    history = f"from core.customer_history where customer_id = '{one}' order by valid_from"
    assert [name for (name,) in tables.rows(f"select first_name {history}")][-2:] == ["Ada", "Eve"]


def fail_a_checkpoint(monkeypatch, text):
    """Let the next checkpoint fail, in these words."""
    run, failures = Warehouse.run, iter([text])

    def fail_once(self, said, *args):
        if said == "checkpoint" and (failure := next(failures, None)):
            raise DatabaseTransientException(RuntimeError(failure))
        return run(self, said, *args)

    monkeypatch.setattr(Warehouse, "run", fail_once)


@pytest.mark.parametrize(
    ("text", "code", "again"),
    [
        ("Out of Memory Error: made up", 0, "128MB"),
        ("FATAL Error: Failed to create checkpoint: failed to pin block of 256 KiB", 0, "128MB"),
        ("IO Error: Could not write file: No space left on device", 75, None),
        ("Internal Error: made up", 4, None),
    ],
)
def test_checkpoint_before_a_publish_that_fails_is_a_publish_that_failed(
    sim, sync, tables, monkeypatch, caplog, text, code, again
):
    """The run ends with its code and its row, and what was landed is published later."""
    caplog.set_level(logging.INFO, "regulars")
    fail_a_checkpoint(monkeypatch, text)
    assert sync().exit_code == code
    assert tables.rows("select exit_code from ops.runs") == [(code,)]
    assert ("memory limit of 128MB" in caplog.text) == bool(again)
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_reader_who_takes_the_file_before_it_is_opened_anew_is_told_of(
    sim, sync, tables, monkeypatch
):
    """What was landed is landed: the next run publishes it, and this one says so."""

    def held(*_, **__):
        raise Locked("process 1 has it open")

    def opened_once(*args, **kwargs):
        monkeypatch.setattr(duckdb_file, "opened", held)
        return opened(*args, **kwargs)

    opened = duckdb_file.opened
    monkeypatch.setattr(duckdb_file, "opened", opened_once)
    fail_a_checkpoint(monkeypatch, "Out of Memory Error: made up")
    outcome = sync()
    assert outcome.exit_code == 75
    assert "Everything that was read is landed" in str(outcome.errors[0])
    monkeypatch.setattr(duckdb_file, "opened", opened)
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_another_try_never_has_less_memory(project, monkeypatch):
    """Who gives much keeps it."""
    monkeypatch.setenv("DESTINATION__WAREHOUSE__MEMORY_LIMIT", "2GB")
    with warehouse.writing() as destination:
        for limit, expected in (("256MB", "1.8 GiB"), ("4GB", "3.7 GiB")):
            with warehouse.sql(destination.anew(limit)) as sql:
                assert sql.run("select current_setting('memory_limit')") == [(expected,)]
