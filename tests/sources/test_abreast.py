"""Walks side by side, and what is left standing when a run ends between two of their pages."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress

import pyarrow as pa
import pytest

from sources.cache import opened
from sources.scratch import Scratch
from tests.conftest import ROOT

_LEFT_STANDING = """
from sources.abreast import abreast
from sources.paging import Page

def walk():
    while True:
        yield Page([{"id": "1"}], "more", None)

reading = abreast({"one": walk, "two": walk})
next(reading)
kept = [reading]
kept.append(kept)  # in a ring, as a scan and its reading are
raise SystemExit(7)
"""


def test_reading_that_is_left_standing_keeps_no_process_alive():
    """Whatever fails between two pages, the process ends, with the exit code it was to have."""
    ended = subprocess.run(
        [sys.executable, "-c", _LEFT_STANDING], cwd=ROOT, timeout=30, check=False
    )
    assert ended.returncode == 7


@pytest.mark.parametrize("vendor", ["foodics"])
def test_load_that_fails_ends_every_walk(vendor, sim, sync, monkeypatch):
    """Disk full at the second part: the run says so, and nobody goes on asking."""
    from dlt.pipeline.pipeline import Pipeline

    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "1")
    load, loaded = Pipeline.load, []

    def full(self, *args, **kwargs):
        loaded.append(self.pipeline_name)
        if loaded.count(self.pipeline_name) == 2:
            raise OSError("disk full")
        return load(self, *args, **kwargs)

    monkeypatch.setattr(Pipeline, "load", full)
    with suppress(OSError):
        sync()
    assert [one.name for one in threading.enumerate() if one.name == "walk"] == []


def _tear(held: bytes, how: str) -> bytes:
    middle = len(held) // 2
    return {
        "all of it": b"torn" * 4000,
        "its end": held[:middle],
        "its pages": held[:8192] + b"\xa5" * (len(held) - 8192),
        "nothing left": b"",
    }[how]


@pytest.mark.parametrize("how", ["all of it", "its end", "its pages", "nothing left"])
def test_memory_that_is_torn_is_begun_anew(tmp_path, how):
    """Whatever a crash left in its place: it was only a cache, and no run fails for it."""
    place = tmp_path / "it's here" / "customers.sqlite"
    ids = [f"id-{number:06}" for number in range(3000)]
    marks = ["1:a"] * len(ids)
    scratch = Scratch(place)
    assert len(scratch.changed([""] * len(ids), ids, marks, 1).places) == len(ids)
    scratch.save(1, {"scan_id": "first"})
    scratch.close()
    whole = place.read_bytes()
    scratch = Scratch(place)
    assert scratch.resume(1, "first") == {"scan_id": "first"}
    assert scratch.seen_in("") == ids
    scratch.close()
    place.write_bytes(_tear(whole, how))
    scratch = Scratch(place)
    assert scratch.resume(1, "first") is None
    assert len(scratch.changed([""] * len(ids), ids, marks, 1).places) == len(ids)
    scratch.discard()
    assert list(place.parent.iterdir()) == []


def test_memory_of_another_form_is_begun_anew(tmp_path):
    """An upgrade may find what an earlier version was interrupted in."""
    place = tmp_path / "customers.sqlite"
    with closing(sqlite3.connect(place)) as other:
        other.execute("create table seen (something text)")
    scratch = Scratch(place)
    assert scratch.changed([""], ["one"], ["1:a"], 1).places == [0]
    scratch.discard()


def test_memory_somebody_else_holds_is_not_taken_from_them(tmp_path):
    """Locked is not torn: who has it keeps it."""
    first = Scratch(tmp_path / "customers.sqlite")
    first.changed([""], ["one"], ["1:a"], 1)
    first.save(1, {"scan_id": "first"})
    first.changed([""], ["two"], ["1:a"], 2)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Scratch(tmp_path / "customers.sqlite")
    first.save(2, {"scan_id": "first"})
    first.close()
    again = Scratch(tmp_path / "customers.sqlite")
    assert again.resume(2, "first") == {"scan_id": "first"}
    again.discard()


def test_scope_that_is_read_again_knows_what_was_logged_of_it():
    """A member logged by the first reading makes no second row, and is missed when it is gone."""
    scratch = Scratch(None)
    columns = {"scope": ["list"], "id": ["old"], "hash": ["1:a"], "op": ["upsert"]}
    scratch.learn(pa.table(columns))
    assert scratch.changed(["list"] * 2, ["old", "new"], ["1:a", "1:b"], 1) == ([1], set())
    scratch.forget_seen("list")
    assert scratch.changed(["list"], ["old"], ["1:a"], 1).places == []
    assert scratch.missing("list") == ["new"]
    scratch.forget_seen("list")
    assert scratch.changed(["list"] * 2, ["old", "new"], ["1:a", "1:b"], 1).places == []
    assert scratch.missing("list") == []
    scratch.discard()


def test_children_of_a_first_load_are_compared_when_their_parent_comes_again():
    """Nothing is looked up as long as nobody was met before; from then on everybody is."""
    scratch = Scratch(None)
    assert scratch.changed([""] * 2, ["p", "q"], ["1:a", "1:b"], 1) == ([0, 1], set())
    scopes, ids, marks = ["p", "p", "q"], ["x", "y", "x"], ["1:c", "1:d", "1:c"]
    assert scratch.kin.changes("tags", ["p", "q"], scopes, ids, marks, set()) == ([0, 1, 2], [])
    assert scratch.changed([""] * 2, ["p", "r"], ["1:e", "1:f"], 1) == ([0, 1], {"p"})
    scopes, ids, marks = ["p", "p", "r"], ["y", "z", "x"], ["1:d", "1:c", "1:c"]
    found = scratch.kin.changes("tags", ["p", "r"], scopes, ids, marks, {"p"})
    assert found == ([1, 2], [("p", "x")])
    assert scratch.kin.counts("tags") == {"x": 2, "y": 1, "z": 1}
    assert scratch.kin.changes("tags", ["q"], ["q"], ["x"], ["1:g"], {"q"}) == ([0], [])
    assert scratch.kin.holders("tags", "x") == {"q", "r"}
    scratch.discard()


def test_children_whose_parent_the_log_does_not_hold_are_compared_all_the_same():
    """A load that broke off may have landed somebody's tags and not them."""
    scratch = Scratch(None)
    columns = {"scope": ["p"], "id": ["x"], "hash": ["1:a"], "op": ["upsert"]}
    scratch.kin.learn("tags", pa.table(columns), everyone=True)
    assert scratch.kin.changes("tags", ["p"], ["p"], ["y"], ["1:b"], set()) == ([0], [("p", "x")])
    scratch.discard()


def test_interrupted_scan_asks_anew_what_the_log_holds(tmp_path):
    """Case 45: who changed, was landed, and changed back meanwhile differs from the log."""
    place = tmp_path / "customers.sqlite"
    scratch = Scratch(place)
    columns = {"scope": [""], "id": ["one"], "hash": ["1:a"], "op": ["upsert"]}
    scratch.learn(pa.table(columns))
    assert scratch.changed([""], ["one"], ["1:b"], 1).places == [0]
    scratch.save(1, {"scan_id": "first"})
    assert scratch.changed([""], ["one"], ["1:c"], 2).places == [0]
    scratch.close()
    scratch = Scratch(place)
    assert scratch.resume(1, "first") == {"scan_id": "first"}
    assert scratch.unlearned(["one"]) == ["one"]
    scratch.learn(pa.table({**columns, "hash": ["1:b"]}))
    assert scratch.changed([""], ["one"], ["1:a"], 2) == ([0], {"one"})
    scratch.discard()


def test_children_are_indexed_without_much_memory(tmp_path):
    """What is sorted for an index grows with the account: it goes to disk."""
    with closing(opened(tmp_path / "any.sqlite", ["a (b)"], 1)) as db:
        assert db.execute("pragma temp_store").fetchone() == (1,)
