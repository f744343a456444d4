"""While one part of a scan is landed the next is read; nothing of it is noted before its turn."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import sources.account
import sources.drive
import tests.sources.bench
from sources import loke
from sources.drive import run_scan
from sources.errors import ContractError
from sources.job import Job, PartSize
from sources.loke import SHAPES
from sources.loke.fields import CUSTOMERS
from sources.paging import Page
from tests.sources.bench import MemoryLog
from tests.sources.loke import Loke

LONG = 30


class Reading:
    """A scan of ten records a page, three pages a part, read for one account.

    Attributes:
        came: Set when a page is reached, by its number.
        does: What happens at a page, by its number.
    """

    def __init__(self, *, by_parts: bool = True, complete: bool = True) -> None:
        self.came = {number: threading.Event() for number in range(10)}
        self.does: dict[int, Callable[[], object]] = {}
        self.job = Job(by_parts=by_parts, part=PartSize(pages=3))
        self.home: dict[str, object] = {}
        self.scan = partial(
            run_scan, self.job, MemoryLog("loke", SHAPES), CUSTOMERS, vendor="loke", account="a",
            tenant_id="t", kind="full", complete=complete, read=self._read, requests=lambda: 0,
            context={"currency": None, "country": None},
        )  # fmt: skip

    def _read(self, scan):
        for number in range(9):
            self.came[number].set()
            self.does.get(number, lambda: None)()
            records = [{"id": f"{number}-{at}", "lastName": "A"} for at in range(10)]
            scan.take(Page(records, "more", None))
            scan.home["last"] = number
            yield

    def part(self) -> Iterator[object]:
        """Land one part; the state is what its package says, as dlt hands it on."""
        self.home = copy.deepcopy(self.home)
        return self.scan(home=self.home)


def _rows(part):
    return sum(table.num_rows for table in part)


def test_next_part_is_read_while_one_is_landed():
    """Its pages come before anybody has asked for it, and no part is larger for it."""
    reading = Reading()
    part = reading.part()
    assert next(part).num_rows == 30
    assert reading.came[5].wait(LONG), "the second part is read"
    assert _rows(part) == 0
    assert not reading.came[6].wait(0.05), "and not the third"
    assert [_rows(reading.part()), _rows(reading.part()), _rows(reading.part())] == [30, 30, 0]
    assert not reading.job.unfinished


def test_state_of_a_part_knows_nothing_of_the_next():
    """Case 45: a crash while a part is landed leaves no note of what has not been landed."""
    reading = Reading()
    part = reading.part()
    list(part)
    assert reading.came[5].wait(LONG)
    scan = next(iter(reading.job.scans.values()))
    scan.ahead.wait()
    assert reading.home["last"] == 2
    landed_to = reading.home["landed_to"]
    list(reading.part())
    assert reading.home["last"] == 5
    assert reading.home["landed_to"] > landed_to
    assert reading.home["checkpoint"]["part"] == 2


def test_failure_of_a_part_that_is_read_ahead_is_that_parts(caplog):
    """What was landed stays, with its state; the error is told once, when its turn comes."""
    reading = Reading()
    broken = ContractError("broken", vendor="loke", account="a", resource="customers")

    def fail():
        raise broken

    reading.does[4] = fail
    assert _rows(reading.part()) == 30
    assert reading.came[4].wait(LONG)
    assert reading.job.errors == []
    before = copy.deepcopy(reading.home)
    assert _rows(reading.part()) == 0
    assert reading.job.errors == [broken]
    before.pop("checkpoint")
    assert reading.home == before
    assert not reading.job.unfinished


def test_run_that_is_given_up_waits_for_nobody():
    """A part that cannot be landed ends what is read ahead, whatever that waits for."""
    reading = Reading()
    reading.does[4] = lambda: reading.job.stopped.wait(LONG)
    list(reading.part())
    assert reading.came[4].wait(LONG)
    scan = next(iter(reading.job.scans.values()))
    ended = threading.Thread(target=reading.job.abandon)
    ended.start()
    ended.join(LONG / 3)
    assert not ended.is_alive()
    with pytest.raises(Exception, match="closed"):
        scan.scratch.seen("")


def test_part_that_cannot_be_yielded_leaves_nobody_reading(monkeypatch):
    """Rows that cannot be had back from the disk end the scan, when nothing is read any more."""
    reading, passed = Reading(), threading.Event()
    reading.does[3] = lambda: (time.sleep(0.2), passed.set())

    def broken(scan):
        def tables():
            raise ValueError
            yield

        scan.state["checkpoint"] = {}
        return tables()

    monkeypatch.setattr(sources.drive.Scan, "end_part", broken)
    assert list(reading.part()) == []
    assert len(reading.job.errors) == 1
    assert passed.is_set()


@pytest.mark.parametrize("named", [{"by_parts": False}, {"complete": False}])
def test_only_who_lands_by_parts_and_asks_the_log_no_more_reads_ahead(named):
    """In anybody's own dlt code all is one part; an increment asks the log as it goes."""
    reading = Reading(**named)
    part = reading.part()
    assert next(part).num_rows == 30
    assert not reading.came[3].wait(0.05)
    part.close()


def test_one_scan_of_an_account_reads_ahead():
    """Of thirty organisations one does: each takes memory of its own."""
    reading = Reading()
    several = [partial(reading.scan, home={}, tenant_id=str(number)) for number in range(3)]
    for scan in several:
        assert _rows(scan()) == 30
    assert [bool(scan.ahead) for scan in reading.job.scans.values()] == [True, False, False]
    for _ in range(3):
        for scan in several:
            list(scan())
    assert not reading.job.unfinished
    assert [report.rows_changed for report in reading.job.reports] == [90] * 3


def test_tenant_that_is_gone_ends_in_as_many_parts_as_it_takes(tmp_path, monkeypatch):
    """With leave to, all of it ends; until that is done, nobody forgets that it stands."""
    bench = Loke(tmp_path)
    assert bench.sync() == 0
    monkeypatch.setattr(loke._Account, "tenants", [])  # noqa: SLF001
    monkeypatch.setattr(tests.sources.bench, "PartSize", lambda pages: PartSize(pages, rows=3))
    assert bench.sync() == 5
    assert len(bench.customers()) == 40

    def fail(*_):
        raise ValueError

    with monkeypatch.context() as broken:
        broken.setattr(sources.account, "drop_scope", fail)
        assert bench.sync(allow_mass_delete=True) == 4
    assert len(bench.customers()) == 40
    assert bench.sync(allow_mass_delete=True) == 0
    assert bench.customers() == bench.members() == set()
    assert not any(state["tenants"] for state in bench.state.values())


def test_tables_are_the_same_read_ahead_or_not(tmp_path, monkeypatch):
    """A first load in many parts, then a complete scan of what changed meanwhile."""
    told = []
    for ahead in (True, False):
        bench = Loke(tmp_path / str(ahead), customers=150)
        if not ahead:
            monkeypatch.setattr(sources.drive, "Ahead", lambda *_: None)
        assert bench.sync(pages=1) == 0
        assert bench.sync(full=True, pages=1) == 0
        told.append((bench.customers(), bench.members(), bench.ops()))
    assert told[0] == told[1]
    assert len(told[0][0]) > 100
