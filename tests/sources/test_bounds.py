"""What a run holds and what it leaves behind do not grow with the account."""

from __future__ import annotations

import json
import weakref
from functools import partial
from itertools import count

import pytest

import sources.intake
from sources.drive import run_scan
from sources.job import Job, PartSize
from sources.loke.fields import CUSTOMERS, SHAPES
from sources.paging import Page
from tests.conftest import MINUTE, NOON
from tests.sources.bench import MemoryLog
from tests.sources.collins_bench import TENANT
from tests.sources.collins_bench import Bench as Collins
from tests.sources.foodics import Foodics
from tests.sources.kounta import Kounta
from tests.sources.loke import Loke


def _collins(folder, customers):
    bench = Collins(folder / "collins", customers=customers)
    for each in bench.ids:
        bench.vendor.update_customer(TENANT, each, last_updated="2026-05-02 12:00:00")
    return bench


def _loke(folder, customers):
    bench = Loke(folder, customers)
    bench.stamp(bench.ids, NOON)
    return bench


def _foodics(folder, customers):
    bench = Foodics(folder, customers)
    bench.stamp(bench.ids, NOON)
    return bench


@pytest.mark.parametrize("make", [_loke, _collins, Kounta, _foodics])
def test_state_is_as_small_for_many_customers_of_one_stamp_as_for_few(make, tmp_path):
    """Case 8: nothing is kept of who stands at the boundary, however many they are."""
    sizes = []
    for customers in (40, 140):
        bench = make(tmp_path / str(customers), customers)
        for _ in range(3):
            bench.clock.advance(MINUTE)
            assert bench.sync() == 0
        sizes.append(len(json.dumps(bench.state)))
    assert max(sizes) < 4096
    assert abs(sizes[1] - sizes[0]) < 20


class _Record(dict):
    """A record whose life can be watched."""

    __hash__ = object.__hash__


def test_records_are_held_no_longer_than_until_they_are_rows(monkeypatch):
    """Case 51: pages are compared as they come, and parts end before they are large."""
    monkeypatch.setattr(sources.intake, "FLUSH", 100)
    alive, most, number = weakref.WeakSet(), [0], count()

    def read(scan):
        for _ in range(60):
            records = [_Record(id=str(next(number)), lastName="A") for _ in range(50)]
            alive.update(records)
            scan.take(Page(records, "more", None))
            del records
            most.append(len(alive))
            yield

    job, home, parts = Job(by_parts=True, part=PartSize(rows=500)), {}, []
    log = MemoryLog("loke", SHAPES)
    scan = partial(
        run_scan, job, log, CUSTOMERS, vendor="loke", account="a", tenant_id="t", kind="full",
        home=home, complete=True, read=read, requests=lambda: 0,
        context={"currency": None, "country": None},
    )  # fmt: skip
    while not parts or job.unfinished:
        parts.append(sum(table.num_rows for table in scan()))
    assert sum(parts) == 3000
    assert max(parts) <= 600
    assert max(most) <= 150
