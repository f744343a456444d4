"""`regulars query`: every value under its own name, in every form, and nothing but reading."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.query import only_reads
from tests.conftest import ROOT

CANARY = "Mara-Canary"
LATE = (
    f"select case when i > 2900000 then cast('{CANARY}' || i as int) end from range(3000000) t(i)"
)


@pytest.fixture
def guests(project):
    """A warehouse with one guest, made without a sync."""
    file = project / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"create schema core; create table core.g as select '{CANARY}' as name")
    return file


@pytest.fixture
def elsewhere(guests, monkeypatch):
    """The same warehouse as a destination that is not known to be a DuckDB file."""
    monkeypatch.setenv("DESTINATION__WAREHOUSE__DESTINATION_TYPE", "dlt.destinations.duckdb")
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", str(guests))
    return guests


def _asked(text, form, path):
    assert main(["query", text, "--format", form, "--output", str(path)]) == 0
    return path


@pytest.mark.parametrize("reads", ["guests", "elsewhere"])
def test_columns_of_one_name_are_all_shown(reads, request, tmp_path):
    """A join may give two columns one name; no form loses a value or shows it under another."""
    request.getfixturevalue(reads)
    text, out = "select 1 as a, 2 as a, null as b, 4 as a_1", tmp_path / "rows"
    rows = list(csv.reader(_asked(text, "csv", out).read_text().splitlines()))
    assert rows == [["a", "a_1", "b", "a_1_1"], ["1", "2", "", "4"]]
    assert json.loads(_asked(text, "json", out).read_text()) == {
        "a": 1, "a_1": 2, "b": None, "a_1_1": 4,
    }  # fmt: skip
    assert pq.read_table(_asked(text, "parquet", out)).to_pydict() == {
        "a": [1], "a_1": [2], "b": [None], "a_1_1": [4],
    }  # fmt: skip
    head, row, _ = _asked(text, "table", out).read_text().splitlines()
    assert row.split() == ["1", "2", "4"]
    assert row.index("4") > head.index(" b ")


@pytest.mark.parametrize(
    "text",
    [
        "select cast(name as int) from core.g",
        "select strptime(name, '%Y') from core.g",
        "select error(name) from core.g",
        LATE,
    ],
)
@pytest.mark.parametrize("reads", ["guests", "elsewhere"])
def test_error_quotes_no_value(reads, text, request, capsys, tmp_path):
    """A value that will not convert ends 2 and stays unsaid, late in a long result too."""
    request.getfixturevalue(reads)
    path = str(tmp_path / "rows.csv")
    assert main(["query", text, "--format", "csv", "--output", path]) == 2
    said = capsys.readouterr().err
    assert CANARY not in said
    assert "the query was not run" in said


def test_table_goes_into_a_file_too(guests, tmp_path, capsys):
    """`--output` is heeded by the form that needs no `--format`."""
    path = tmp_path / "rows.txt"
    assert main(["query", "select name from core.g", "--output", str(path)]) == 0
    assert path.read_text().split() == ["name", CANARY, "1", "row"]
    assert capsys.readouterr().out == ""


ODD = (
    "select [1, 2] as l, {'a': 1.50} as s, interval 25 hour as i, '\\x01'::blob as b, "
    "'x'::enum('x') as e, sum(n) as total, 12.500::decimal(18, 3) as money, "
    "time '10:00' as t from range(3) r(n)"
)


def test_values_of_every_type_are_written(guests, tmp_path):
    """Lists, spans and bytes are put in words; a sum or an amount is a number with all digits."""
    text = _asked(ODD, "json", tmp_path / "rows.json").read_text()
    assert '"total":3,' in text
    assert '"money":12.500,' in text
    assert json.loads(text) == {
        "l": [1, 2], "s": {"a": 1.5}, "i": "P0M0DT90000S", "b": "01", "e": "x", "total": 3,
        "money": 12.5, "t": "10:00:00",
    }  # fmt: skip
    _, row = csv.reader(_asked(ODD, "csv", tmp_path / "rows.csv").read_text().splitlines())
    assert row[:7] == ["[1,2]", '{"a":1.50}', "P0M0DT90000S", "01", "x", "3", "12.500"]
    assert "[1,2]" in _asked(ODD, "table", tmp_path / "rows.txt").read_text()


@pytest.mark.parametrize(
    "words",
    [
        [""],
        [" ; -- nothing"],
        ["select 1", "--output", "/no/such/folder/rows.csv"],
        ["select 1", "--output", "/no/such/folder/rows.csv", "--format", "csv"],
        ["select interval 1 day", "--format", "parquet", "--output", "{tmp}/rows"],
        ["select date '12000-01-01'"],
        ["select date '12000-01-01'", "--format", "json"],
    ],
)
def test_what_cannot_be_done_is_exit_2(guests, words, tmp_path, capsys):
    """No statement, no such folder, a value the form cannot hold: said as such."""
    assert main(["query", *(word.format(tmp=tmp_path) for word in words)]) == 2
    assert "unexpected" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "copy core.g to '{path}'",
        "export database '{path}'",
        "attach '{path}' as other",
        "select * from read_csv('/etc/hostname')",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_query_reaches_no_other_file(guests, text, tmp_path, capsys):
    """Read-only means the machine's other files too, to read as well as to write."""
    path = tmp_path / "other"
    assert main(["query", text.format(path=path)]) == 2
    assert not path.exists()


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_reader_that_has_enough_is_no_error(guests, form):
    """`… | head -1` ends 0 and says nothing, whatever was still to be written."""
    text = "select i, repeat('x', 20) as x from range(20000) t(i)"
    run = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "query", text, "--format", form],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=dict(os.environ),
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.read(1)
    run.stdout.close()
    said = run.stderr.read()
    run.stderr.close()
    assert (run.wait(), said) == (0, b"")


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("select 1", True),
        ("with x as (select 1 as a) select * from x union all values (2);", True),
        ("describe core.g", True),
        ("delete from core.g", False),
        ("select 1; delete from core.g", False),
        ("with x as (delete from core.g returning *) select * from x", False),
        ("select * into core.h from core.g", False),
        ("create table core.h as select 1", False),
        ("grant all on core.g to somebody", False),
        ("set role somebody", False),
        ("", False),
    ],
)
def test_what_only_reads_is_told_from_the_text(text, reads):
    """A warehouse that cannot be opened read-only is protected by the statement's own words."""
    assert only_reads(text, "postgres") is reads


def test_other_warehouse_is_only_read(elsewhere, capsys):
    """A statement that would write never reaches a warehouse of another kind."""
    assert main(["query", "delete from core.g"]) == 2
    assert main(["query", "select count(*) as n from core.g"]) == 0
    assert capsys.readouterr().out.split() == ["n", "1", "1", "row"]


@pytest.mark.parametrize("words", [["--customers", "-5"], ["--port", "70000"], ["--port", "-1"]])
def test_simulate_refuses_impossible_numbers(project, words, capsys):
    """A number that cannot be is exit 2 and its argument is named."""
    assert main(["simulate", *words]) == 2
    assert words[0] in capsys.readouterr().err
