"""What people ask of an account of millions that was read for a year: `status`, `plan`, SQL.

A small account is read twice. Then each customer of its log is there many times over, in scans of
a year; and the second run is a year of runs, one each quarter of an hour, with their rows in `ops`,
their loads and states.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.book import Book, Entry
from benchmarks.contestants import REGULARS, Contestant, Project
from benchmarks.options import Options
from benchmarks.vendors import pretended

_COPIES = 500
_RUNS = 365 * 24 * 4
_PAUSE_MINUTES = 20
_LOG = "raw_foodics.customers"
_GROW = f"""
insert into {_LOG} by name
select had.* replace (id || '-' || copy as id, email.replace('@', copy || '@') as email,
    _email.replace('@', copy || '@') as _email, 'past' || hash(id, copy) % {_RUNS} as _scan_id)
from {_LOG} as had, range(1, {_COPIES}) as copies(copy)
"""
_MOVED = """started_at - interval 15 minutes * past as started_at,
    finished_at - interval 15 minutes * past as finished_at"""
_PAST = f"range(1, {_RUNS}) as pasts(past)"
_AGE = f"""
insert into ops.scans by name
select had.* replace (printf('0%06d', {_RUNS} - past) as run_id,
    scan_id || past as scan_id, {_MOVED})
from ops.scans as had, {_PAST} where run_id = (select max(run_id) from ops.runs);
insert into ops.runs by name
select had.* replace (printf('0%06d', {_RUNS} - past) as run_id, {_MOVED})
from (from ops.runs order by run_id desc limit 1) as had, {_PAST};
insert into raw_foodics._dlt_loads by name
select had.* replace ('0' || past as load_id)
from (from raw_foodics._dlt_loads limit 1) as had, {_PAST};
insert into raw_foodics._dlt_pipeline_state by name
select had.* replace (-past as version, '0' || past as _dlt_load_id, _dlt_id || past as _dlt_id)
from (from raw_foodics._dlt_pipeline_state limit 1) as had, {_PAST}
"""
# The vendor would count as many.
_TOTAL = """
update ops.scans set vendor_total = (select count(*) from core.customers)
where resource = 'customers' and vendor_total is not null
"""


@dataclass(frozen=True)
class _Question:
    """What is asked, how a number is read out of the answer, and which one is right."""

    asked: Contestant
    number: Callable[[str], int]
    right: int


def asking(rows: int, options: Options) -> Book:
    """Ask an account whose log has about so many rows; each answer is checked."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        pretended(["foodics"], max(20, rows // _COPIES)) as vendors,
    ):
        project = Project(Path(folder) / "project", vendors, ["foodics"])
        count = project.account("foodics").customers * _COPIES
        for _ in range(2):
            project.run(REGULARS)
            vendors.later(_PAUSE_MINUTES)
        _change(project, f"{_GROW}; {_AGE}")
        folded = project.run(_regulars("transform"))
        _change(project, _TOTAL)
        facts = {"customers": count, "runs": _RUNS}
        book = Book(f"What is asked of {count} customers and {_RUNS} runs", facts)
        size = project.size(REGULARS)
        book.note("regulars transform, all but a few new", Entry(folded, 0, count, "", size))
        for _ in range(options.rounds):
            for name, question in _questions(count).items():
                run = project.run(question.asked)
                told = question.number(run.output)
                words = "right" if told == question.right else f"{told} instead of {question.right}"
                book.note(name, Entry(run, 0, count, words, size))
    return book


def _questions(count: int) -> dict[str, _Question]:
    """Return what is asked of so many customers."""
    then = "valid_from <= now() and (valid_to > now() or valid_to is null)"
    scans = f"select _scan_id, count(*) as rows from {_LOG} group by _scan_id"
    one = "select email from core.customers order by customer_id limit 1"
    return {
        "regulars --help": _Question(_regulars("--help"), lambda text: text.count("status"), 1),
        "regulars status": _Question(_regulars("status", "--json"), _shown, count),
        "regulars plan": _Question(
            _regulars("plan"), lambda text: text.count("foodics/customers "), 1
        ),
        "SQL: a guest by e-mail": _query(
            f"select count(*) from core.customers where email = ({one})", 1
        ),
        "SQL: guests of a day": _query(
            f"select count(*) from core.customer_history where {then}", count
        ),
        "SQL: rows of each scan": _query(f"select sum(rows)::bigint from ({scans})", count),
    }


def _regulars(*arguments: str) -> Contestant:
    return Contestant("regulars", (*REGULARS.command[:-1], *arguments))


def _query(sql: str, right: int) -> _Question:
    """Return a question whose answer is one number."""
    asked = _regulars("query", sql, "--format", "json")
    return _Question(asked, lambda text: int(next(iter(json.loads(text).values()))), right)


def _shown(text: str) -> int:
    scans = json.loads(text)["scans"]
    return sum(scan["rows"] for scan in scans if scan["resource"] == "customers")


def _change(project: Project, sql: str) -> None:
    with duckdb.connect(str(project.file(REGULARS))) as db:
        db.execute("set memory_limit = '2GB'; set preserve_insertion_order = false")
        db.execute(sql)
