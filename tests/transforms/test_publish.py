"""The publish transaction, broken at every statement and watched while it is under way."""

from __future__ import annotations

import duckdb
import pytest

from tests.transforms.test_fold import T0, Connection, _history, _observe, _warehouse
from transforms.histories import Fold
from transforms.publish import CheckFailedError, RunRow, Warehouse, publish


class Failing(Connection):
    """A connection that fails at a statement, and lets a reader look before each."""

    def __init__(self, db):
        super().__init__(db)
        self.fatal, self.look = "never", lambda: None

    def execute_sql(self, sql, *args):
        if self.fatal in sql:
            raise duckdb.IOException("no space left")
        self.look()
        return super().execute_sql(sql, *args)


_TABLES = ("customer_history", "list_history", "membership_history")


def _core(connection):
    return {name: connection.execute(f"from core.{name} order by all").fetchall()
            for name in _TABLES}  # fmt: skip


def _join(warehouse, at, scan, op="upsert"):
    """Log a list and one customer on it."""
    for table, columns, values in (
        ("customer_lists", "id", "'L'"), ("customer_list_members", "list_id, id", "'L', 'a'"),
    ):  # fmt: skip
        warehouse.run(
            f"insert into raw_loke.{table} (tenant_id, {columns}, _op, _observed_at, _scan_id) "
            f"values ('T', {values}, '{op}', to_timestamp({1_777_000_000 + at}), '{scan}')"
        )


@pytest.fixture
def failing():
    """A warehouse in which one day is published and the next one is landed."""
    connection = Failing(_warehouse().connection.db)
    warehouse = Warehouse(connection)
    _observe(warehouse, "a", 1, "s1", "x")
    _join(warehouse, 1, "s1")
    publish(warehouse)
    _observe(warehouse, "a", 2, "s2", "y")
    _observe(warehouse, "b", 2, "s2", "z")
    _join(warehouse, 2, "s2", op="delete")
    return warehouse


def test_publish_that_fails_anywhere_has_changed_nothing(failing):
    """Cases 40, 44: whichever table cannot be written, all are as they were; the next is whole."""
    connection, db = failing.connection, failing.connection.db
    before = _core(db)
    run = RunRow("r", "sync", T0, T0, "ok", 0)
    for fatal in (
        "delete from core.customer_history", "insert into core.customer_history",
        "insert into core.list_history", "delete from core.membership_history",
        "insert into ops.published", "insert into ops.runs",
    ):  # fmt: skip
        connection.fatal = fatal
        with pytest.raises(duckdb.IOException):
            publish(failing, run=run)
        assert _core(db) == before
    connection.fatal = "never"
    publish(failing, run=run)
    assert len(_history(failing)) == 3
    for table in ("list_history", "membership_history"):
        ended = db.execute(f"select count(*), count(valid_to) from core.{table}").fetchone()
        assert ended == (1, 1)


def test_reader_sees_all_of_the_old_until_all_of_the_new_is_there(failing):
    """Cases 41, 44: between any two statements of a publish core is whole, and of one run."""
    connection = failing.connection
    reader = connection.db.cursor()
    before = _core(reader)
    seen = []
    connection.look = lambda: seen.append(_core(reader))
    publish(failing)
    assert len(seen) > 30
    assert all(core == before for core in seen)
    assert _core(reader) != before


@pytest.mark.parametrize("portion", [100_000, 0])
def test_membership_of_an_unknown_customer_is_kept_and_told(failing, portion, monkeypatch):
    """Case 39: the customer may be hidden, or not read yet; the check warns with their number.

    Whether what changed is one portion, or so much that all is looked at.
    """
    monkeypatch.setattr("transforms.publish.WITHOUT_WINDOWS", portion)
    _join(failing, 3, "s3")
    failing.run("update raw_loke.customer_list_members set id = 'nobody' where _scan_id = 's3'")
    (warning,) = publish(failing).warnings
    assert warning.startswith("memberships_have_a_customer")
    assert "(1 rows)" in warning
    assert failing.run("select customer_id from core.memberships") == [("nobody",)]


def test_first_publish_is_checked_like_any():
    """Where all is new nothing is looked up, and what is shown is looked at all the same."""
    warehouse = _warehouse()
    _join(warehouse, 1, "s1")
    (warning,) = publish(warehouse).warnings
    assert warning.startswith("memberships_have_a_customer")
    assert "(1 rows)" in warning
    # Not all is new any more: what did not change is not told of again.
    _observe(warehouse, "b", 2, "s2", "x")
    assert publish(warehouse).warnings == []


@pytest.mark.parametrize("keys", ["a", "abcdefgh"])
def test_versions_that_overlap_are_never_shown(keys, monkeypatch):
    """Invariant 11: whichever portion of the rewritten keys they are found in."""
    monkeypatch.setattr("transforms.publish.WITHOUT_WINDOWS", 3)
    warehouse = _warehouse()
    for key in keys:
        _observe(warehouse, key, 1, "s1", "x")
    publish(warehouse)
    before = _history(warehouse)
    for key in keys:
        _observe(warehouse, key, 2, "s2", "y")
    said = Fold._say  # noqa: SLF001
    kept = f"delete from core.customer_history where customer_id <> '{keys[-1]}'"
    monkeypatch.setattr(
        Fold, "_say", lambda *told, **facts: kept if told[1] == "ended" else said(*told, **facts)
    )
    with pytest.raises(CheckFailedError, match="customer_spans_do_not_overlap"):
        publish(warehouse)
    assert _history(warehouse) == before
