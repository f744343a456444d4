"""The benchmarks work: what is measured is right, and what is wrong is called so."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks.book import Book, Entry
from benchmarks.chart import chart
from benchmarks.checks import check_load
from benchmarks.contestants import INSERT
from benchmarks.measure import Failed, Run, measure
from benchmarks.report import keep, table
from benchmarks.vendors import Account, digest
from tests.conftest import ROOT


def test_small_bench_runs_from_end_to_end(tmp_path):
    """A process of pretended vendors, the limit and ourselves beside it, JSON and chart written."""
    command = [sys.executable, "-m", "benchmarks.run", "loke-first", "--form", "tiny"]
    asked = [*command, "--only", "limit: fetch and,regulars", "--into", str(tmp_path)]
    subprocess.run(asked, cwd=ROOT, check=True, capture_output=True)
    found = json.loads((tmp_path / "latest.json").read_text())["loke-first"]
    assert set(found["rows"]) == {"limit: fetch and insert", "regulars"}
    for row in found["rows"].values():
        assert row["rows"] == found["customers"] == 300
        assert row["check"].startswith("all rows; types ")
        assert row["requests"] >= 2
    assert found["rows"]["regulars"]["check"].endswith("types 7/7")
    assert "regulars" in (tmp_path / "latest.svg").read_text()


def test_whole_process_tree_is_measured(tmp_path):
    """Memory of children counts, ours does not; a command that fails is no time."""
    ours = b"x" * (150 << 20)
    holds = "b = b'x' * (40 << 20)"
    child = f"{holds}; import time; time.sleep(.3)"
    code = f"{holds}; import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    run = measure([sys.executable, "-c", code], os.environ, tmp_path)
    del ours
    assert 80 < run.peak_mb < 150
    assert run.wall > 0.3
    assert run.cpu > 0
    with pytest.raises(Failed, match="no such"):
        measure([sys.executable, "-c", "raise SystemExit('no such')"], os.environ, tmp_path)


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (["a", "b", "b"], "3 of 3 rows, 1 twice; types 1/7"),
        (["a", "b", "d"], "other customers; types 1/7"),
    ],
)
def test_wrong_answer_is_called_wrong(tmp_path, ids, words):
    """Rows that are missing, double or somebody else's are told beside the time."""
    import duckdb

    file = tmp_path / "peer.duckdb"
    with duckdb.connect(str(file)) as db:
        db.execute("create table customers as select unnest(?) as id, 'x' as dob", [ids])
        db.execute('alter table customers add column "statistics.pointsBalance" bigint')
    found = check_load(INSERT, file, "loke", Account("org", 3, digest("abc")))
    assert found.words == words
    assert not found.right


def test_report_tells_medians_and_keeps_what_others_measured(tmp_path):
    """Times are medians, memory is the most, a ratio is to the limit's median."""
    book = Book("First load")
    for wall, peak in ((3.0, 70), (1.0, 90), (2.0, 80)):
        book.note("limit: fetch", Entry(Run(wall / 4, 1, peak, 0), 2, 100, "all rows"))
        book.note("regulars", Entry(Run(wall, 1, peak, 1), 4, 100, "all rows"), "limit: fetch")
    row = book.rows()["regulars"]
    assert (row["wall_s"], row["to_limit"], row["peak_mb"], row["rows_per_s"]) == (2, 4, 90, 50)
    result = {"title": book.title, "left_out": ["Singer is left out"], "rows": book.rows()}
    assert "Singer is left out" in table(result)
    keep("one", result, tmp_path / "latest.json")
    everything = keep("other", result, tmp_path / "latest.json")
    assert list(everything) == ["one", "other"]
    assert chart(everything).count("<rect x=") == 4


def test_product_knows_nothing_of_the_benchmarks():
    """They stand beside it, and may need what it does not."""
    for package in ("sources", "pipelines", "transforms", "simulator"):
        for path in (ROOT / package).rglob("*.py"):
            assert "import benchmarks" not in (text := path.read_text()), path
            assert "from benchmarks" not in text, path
