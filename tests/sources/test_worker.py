"""Rows made by another process are the rows that would be made here; without it nothing changes."""

from __future__ import annotations

import io
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

import sources.changes
import sources.foodics.reading
import sources.intake
import sources.spool
import sources.worker
from pipelines import sync as running
from sources import VENDORS
from sources.buffer import Buffer
from sources.foodics.fields import CUSTOMERS
from sources.made import Facts, Here
from sources.payload import Body
from sources.worker import Asked, Whole, Worker
from tests.conftest import NOON, assert_true
from tests.sources.collins_bench import Bench as Collins
from tests.sources.foodics import Foodics
from tests.sources.kounta import Kounta
from tests.sources.loke import Loke

ODD = [
    {"id": "a", "name": "Ada", "tags": [{"id": "t1", "name": "Test"}, {"name": "no id"}]},
    {"id": "b", "order_count": "many", "phone": "0491 570 006", "dial_code": 61, "tags": []},
    {"id": "c", "deleted_at": "2026-05-02 12:00:00", "balance": -0.0, "unheard": {"x": [None]}},
    {"id": "a", "name": "Ada", "addresses": [{"id": 1, "latitude": "1.5"}], "tags": None},
    {"id": "d", "email": "Guest@Example.com ", "updated_at": "yesterday"},
]


@pytest.fixture(scope="module")
def worker():
    """Another process."""
    with Worker() as worker:
        yield worker


def _here(records=ODD, shape=CUSTOMERS):
    many = len(records)
    notes = ["", "note"] * many
    ids = [record["id"] for record in records]
    buffer = Buffer([""] * many, ids, notes[:many], list(records), [NOON] * many)
    return Here(shape, buffer, Facts("foodics", "T", "S", {"country": "AU"}), b"salt")


def _made(worker, *given, **named):
    made = worker.make(_here(*given, **named))
    return made.result() if isinstance(made, Future) else made


def _all(made, places, op="upsert"):
    """Return everything that is made of the records at these places."""
    families = []
    for family in made.families(places):
        rows = family.source.rows(range(len(family.ids)))
        families.append((
            family.told, family.places, family.scopes, family.ids, family.marks, family.rejects,
            rows.table, rows.rejects, rows.unknown,
        ))  # fmt: skip
    rows = made.rows(places, op)
    told = rows.table, rows.rejects, rows.unknown
    return told, made.marks, made.dead, made.buffer.ids, families


@pytest.mark.parametrize("places", [range(5), [0, 2, 4], [1], []])
@pytest.mark.parametrize("op", ["upsert", "delete"])
def test_rows_are_those_that_are_made_here(worker, places, op):
    """Whichever of the records are asked for: rows, hashes, rejects, children."""
    assert _all(_made(worker), places, op) == _all(_here(), places, op)
    assert worker.begun
    assert not worker.lost


def test_what_nobody_documented_is_told_from_there_too(worker):
    """The names of undocumented fields."""
    made = _made(worker)
    assert isinstance(made, Whole)
    assert made.rows(range(5)).unknown == _here().rows(range(5)).unknown == {"balance", "unheard"}


@pytest.mark.parametrize("all_came", [True, False], ids=["all", "all but one"])
def test_records_are_read_where_they_came_in_if_all_of_them_did(worker, all_came):
    """Of an answer that is not quite JSON, without a record that nobody can name."""
    sent = (
        b'{"data": [{"id": "a", "name": "A\\u0000da", "order_count": NaN, "tags": [{"id": 1}]},'
        b' {"id": null}, {"id": "b", "house_account_balance": 1208925819614629174706176}]}'
    )
    body = Body(sent, "data", range(3)).only([0, 2])
    records = body.records()
    assert [record["id"] for record in records] == ["a", "b"]
    more = [] if all_came else [{"id": "c"}]

    def made(records, body):
        buffer = Buffer()
        buffer.extend("", ["a", "b"], records, NOON, ["", "note"], body)
        buffer.extend("", ["c"] * len(more), more, NOON, [""] * len(more))
        return Here(CUSTOMERS, buffer, Facts("foodics", "T", "S", {"country": "AU"}), b"salt")

    others = [{"id": one} for one in "ab"]
    asked = worker.make(made(others if all_came else [*records[:1], others[1]], body))
    asked = asked.result() if isinstance(asked, Future) else asked
    expected = made(records if all_came else [*records[:1], others[1]], None)
    assert isinstance(asked, Whole)
    assert _all(asked, range(2 + len(more))) == _all(expected, range(2 + len(more)))


def test_number_that_json_cannot_carry_on_is_made_here(worker):
    """An integer beyond 64 bits."""
    records = [{"id": "a", "order_count": 2**80}]
    made = _made(worker, records)
    assert _all(made, [0]) == _all(_here(records), [0])
    assert len(made.rows([0]).rejects) == 1


def test_what_it_cannot_make_is_made_here(worker):
    """It answers that it could not, and goes on."""
    stranger = replace(CUSTOMERS, resource="strangers")
    assert isinstance(_made(worker, shape=stranger), Here)
    assert isinstance(_made(worker), Whole)


@pytest.mark.parametrize("executable", ["/nowhere/python", "", None])
def test_without_another_process_all_is_made_here(executable, monkeypatch, caplog):
    """One that cannot be begun is told of once, and costs nothing but time."""
    caplog.set_level(logging.INFO, "regulars")
    monkeypatch.setattr(sys, "executable", executable)
    with Worker() as worker:
        for _ in range(2):
            assert _all(_made(worker), range(5)) == _all(_here(), range(5))
        assert worker.lost
    assert caplog.text.count("no second process (") == 1


def test_answer_is_never_taken_for_that_to_another_question(monkeypatch):
    """Whatever goes wrong between two questions, the second gets its own answer or none."""
    load, failures = pickle.load, [MemoryError]

    def fail_once(stream):
        if failures:
            raise failures.pop()
        return load(stream)

    with Worker() as fragile:
        assert isinstance(_made(fragile), Whole)
        monkeypatch.setattr(pickle, "load", fail_once)
        for name in ("x", "y", "z"):
            records = [{"id": name, "name": name}]
            assert _all(_made(fragile, records), [0]) == _all(_here(records), [0])
    monkeypatch.undo()
    with Worker() as other:
        other.process, other._asked = sources.worker.begin(), -1  # noqa: SLF001
        other.process.stdin.write(pickle.dumps((7, None)))
        assert _all(_made(other), range(5)) == _all(_here(), range(5))
        assert other.lost


@pytest.mark.parametrize("printed", ["I am here", "gone", "N.", "Loading"])
def test_what_is_printed_there_is_no_answer(printed, tmp_path, monkeypatch):
    """By whatever a machine loads into each Python before us."""
    (tmp_path / "sitecustomize.py").write_text(f"print({printed!r}, flush=True)")
    monkeypatch.syspath_prepend(tmp_path)
    with Worker() as worker:
        for name in ("x", "y"):
            records = [{"id": name, "name": name}]
            assert _all(_made(worker, records), [0]) == _all(_here(records), [0])


def test_who_still_waits_when_it_is_over_is_answered_here():
    """After a second Ctrl-C the run's end does not wait for its accounts."""
    with Worker() as worker:
        waiting = [worker.make(_here()) for _ in range(5)]
    assert all(_all(one.result(), [1]) == _all(_here(), [1]) for one in waiting)
    assert _all(_made(worker), [1]) == _all(_here(), [1])
    assert worker.process.returncode is not None


def test_process_that_ends_is_done_without(caplog):
    """Killed for want of memory, say: what it was asked is made here, and all that follows."""
    caplog.set_level(logging.INFO, "regulars")
    with Worker() as worker:
        assert isinstance(_made(worker), Whole)
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        for _ in range(2):
            assert _all(_made(worker), range(5)) == _all(_here(), range(5))
        assert worker.lost
    assert caplog.text.count("no second process") == 1


def test_next_question_is_on_its_way_while_an_answer_is_awaited(monkeypatch):
    """Who answers only when two were asked is not waited for in vain."""
    code = (
        "import sys, pickle, io; from sources import worker as w; "
        "asked = [pickle.load(sys.stdin.buffer) for _ in range(2)]; "
        "[w.answer(io.BytesIO(pickle.dumps(one)), sys.stdout.buffer) for one in asked]; "
        "sys.stdin.read()"
    )
    started, popen = [], subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda words, **kw: started.append(popen([*words[:3], code], **kw)) or started[-1],
    )
    with Worker() as patient:
        waiting = [patient.make(_here()) for _ in range(2)]
        assert all(isinstance(one.result(timeout=60), Whole) for one in waiting)


def test_several_accounts_ask_at_once(worker, monkeypatch):
    """Each gets the answers to its own questions, in their order."""
    submit = worker._asking.submit  # noqa: SLF001

    def submit_and_pause(*given):
        asked = submit(*given)
        time.sleep(0.003)
        return asked

    monkeypatch.setattr(worker._asking, "submit", submit_and_pause)  # noqa: SLF001

    def ask(name):
        several = [worker.make(_here([{"id": f"{name}-{n}", "name": name}])) for n in range(20)]
        return [one.result().rows([0]).table.column("id").to_pylist() for one in several]

    names = [f"account-{n}" for n in range(4)]
    with ThreadPoolExecutor(len(names)) as pool:
        told = list(pool.map(ask, names))
    assert told == [[[f"{name}-{n}"] for n in range(20)] for name in names]
    assert not worker.lost


def test_process_ends_with_its_questions_and_not_with_ctrl_c():
    """Ctrl-C reaches both: the one that asks decides. None outlives it."""
    with Worker() as worker:
        _made(worker)
        process = worker.process
        process.send_signal(signal.SIGINT)
        assert isinstance(_made(worker), Whole)
    assert process.returncode == -signal.SIGKILL
    orphan = sources.worker.begin()
    with orphan:
        orphan.stdin.close()
        assert orphan.wait(timeout=30) == 0


def test_answer_is_one_message_to_each_question():
    """What travels, looked at from the inside."""
    asked = Asked(
        ("sources.foodics", "customers"), [], Buffer(), Facts("foodics", "T", "S", {}), b""
    )
    questions, answers = io.BytesIO(), io.BytesIO()
    for number in (1, 2):
        pickle.dump((number, asked), questions)
    questions.seek(0)
    for _ in range(2):
        sources.worker.answer(questions, answers)
    with pytest.raises(EOFError):
        sources.worker.answer(questions, answers)
    answers.seek(0)
    told = [pickle.load(answers) for _ in range(2)]
    assert [(number, whole.marks) for number, whole in told] == [(1, []), (2, [])]


@pytest.mark.parametrize("vendor", VENDORS)
def test_other_process_needs_no_dlt(vendor):
    """A vendor's fields are declared without it: half of what this process takes."""
    code = (
        "import sys; from sources.worker import declared; "
        f"declared({VENDORS[vendor]!r}, 'customers'); "
        "sys.exit(bool({'dlt', 'httpx', 'duckdb'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-c", code]
    assert subprocess.run(command, env=environment, check=False).returncode == 0


def _said(bench):
    """Everything a bench has logged, but for when and by which scan."""
    told = {}
    for table in sorted(bench.log.tables):
        rows = bench.log.db.execute(
            f"from (select columns(c -> c not in ('_observed_at', '_scan_id', 'run_id')) "
            f"from {bench.log.schema}.{table})"
        ).fetchall()
        told[table] = sorted(rows, key=repr)
    return told


@pytest.mark.parametrize("make", [Loke, Collins, Kounta, Foodics])
def test_scan_says_the_same_with_another_process(make, tmp_path, worker, monkeypatch):
    """Every vendor: a first load in parts, then a complete scan in which nothing is new."""
    monkeypatch.setattr(sources.intake, "_SENT", 7)
    asked, told = [], []
    monkeypatch.setattr(worker, "make", _counted(worker.make, asked))
    for help_ in (None, worker):
        bench = make(tmp_path / str(bool(help_)), customers=140)
        bench.worker = help_
        assert bench.sync(pages=3) == 0
        assert bench.sync(full=True) == 0
        told.append(_said(bench))
    assert told[0] == told[1]
    assert len(asked) > 2


def _counted(make, asked):
    def one(made):
        asked.append(made)
        return make(made)

    return one


def test_first_load_is_helped_and_nothing_is_left_running(
    sim,
    sync,
    tables,
    monkeypatch,
):
    """A run begins it when it is of use, and ends it before it publishes."""
    begun = []
    begin = sources.worker.begin
    monkeypatch.setattr(sources.intake, "_SENT", 20)
    monkeypatch.setattr(sources.worker, "begin", lambda: begun.append(begin()) or begun[-1])
    published = running.publish_run

    def publish_alone(*given, **named):
        assert [one.returncode is not None for one in begun] == [True] * len(begun)
        return published(*given, **named)

    monkeypatch.setattr(running, "publish_run", publish_alone)
    sync()
    assert len(begun) == 1
    sync()
    assert len(begun) == 1, "of a few changes nobody needs help"
    assert_true(tables, sim)


def test_failed_scan_leaves_no_rows_behind(tmp_path, monkeypatch):
    """What waited for its part's end is closed with the scan, not when Python finds the time."""
    monkeypatch.setattr(sources.spool, "_IN_MEMORY", 10)
    closed, close = [], sources.changes.Changes.drop

    def drop(changes):
        spools = list(changes._spools.values())  # noqa: SLF001
        close(changes)
        closed.extend(spool.close.alive for spool in spools)

    monkeypatch.setattr(sources.changes.Changes, "drop", drop)
    monkeypatch.setattr(sources.intake, "FLUSH", 10)
    foodics = Foodics(tmp_path)
    note, pages = sources.foodics.reading.note, []

    def fail_at_the_third(*given):
        note(*given)
        pages.append(given)
        if len(pages) == 3:
            raise ValueError

    monkeypatch.setattr(sources.foodics.reading, "note", fail_at_the_third)
    assert foodics.sync() != 0
    assert closed == [False] * len(closed)
    assert closed
