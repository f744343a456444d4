"""Walks side by side, and what is left standing when a run ends between two of their pages."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress

import pyarrow as pa
import pytest

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


def test_memory_that_is_torn_is_begun_anew(tmp_path):
    """Whatever a crash or a stranger left in its place: it was only a cache."""
    place = tmp_path / "it's here" / "customers.sqlite"
    place.parent.mkdir()
    place.write_bytes(b"torn" * 4000)
    scratch = Scratch(place)
    assert scratch.changed([""], ["one"], ["1:a"], 1) == [0]
    scratch.save(1, {"scan_id": "first"})
    scratch.close()
    scratch = Scratch(place)
    assert scratch.resume(1, "first") == {"scan_id": "first"}
    assert scratch.seen_in("") == ["one"]
    scratch.discard()
    assert list(place.parent.iterdir()) == []


def test_scope_that_is_read_again_knows_what_was_logged_of_it():
    """A member logged by the first reading makes no second row, and is missed when it is gone."""
    scratch = Scratch(None)
    columns = {"scope": ["list"], "id": ["old"], "hash": ["1:a"], "op": ["upsert"]}
    scratch.learn(pa.table(columns))
    assert scratch.changed(["list"] * 2, ["old", "new"], ["1:a", "1:b"], 1) == [1]
    scratch.forget_seen("list")
    assert scratch.changed(["list"], ["old"], ["1:a"], 1) == []
    assert scratch.missing("list") == ["new"]
    scratch.forget_seen("list")
    assert scratch.changed(["list"] * 2, ["old", "new"], ["1:a", "1:b"], 1) == []
    assert scratch.missing("list") == []
    scratch.discard()
