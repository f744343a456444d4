"""Cases of docs/failure-cases.md that need a whole pipeline and have no other home."""

from __future__ import annotations

import os

import dlt
import pytest

from pipelines import lock, warehouse
from sources.errors import Locked
from tests.conftest import MINUTE, assert_true
from tests.pipelines.conftest import killed

TEXTS = (
    "'; drop table core.customers; --", 'a "b" \\n \\u0041 %s {x} $1', "tab\there\nand\r\nthere",
    "👩‍👩‍👧 Zoë Zoe\u0308", "\ufeff\u0627\u0644\u0639 \u200f\u05e2\u05d1", "x" * 10_000,
    "before\x00after", "NULL",
)  # fmt: skip


def test_what_a_killed_run_left_pending_is_loaded_and_the_vendor_asked_too(
    sim, sync, tables, monkeypatch
):
    """Case 42: one run after a kill behind normalising brings both, each once."""
    with monkeypatch.context() as broken:
        broken.setattr(dlt.Pipeline, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            sync()
    assert tables.customers() == set()
    sim.loke.create_customer(sim.loke.organizations[0])
    assert sync().exit_code == 0
    assert_true(tables, sim)
    assert tables.one("select count(*) from raw_loke.customers") == 131


def test_account_is_worked_on_by_one_run_for_each_destination(project):
    """Case 50: a second one is told who is at work; another destination is another lock."""
    told = pytest.raises(Locked, match=f"process {os.getpid()}")
    with lock.held("loke-here"), lock.held("loke-there"), told, lock.held("loke-here"):
        pass
    with lock.held("loke-here"):
        pass


def test_any_text_comes_through_as_it_was_sent(sim, sync, tables):
    """Case 61: quotes, emoji, both directions, very long: only NUL is taken away."""
    org = sim.loke.organizations[1]
    ids = [sim.loke.create_customer(org, lastName=text) for text in TEXTS]
    assert sync().exit_code == 0
    found = dict(tables.rows("select id, last_name from raw_loke.customers"))
    assert [found[one] for one in ids] == [text.replace("\x00", "") for text in TEXTS]


@pytest.mark.parametrize("pending", [False, True], ids=["", "pending"])
@pytest.mark.parametrize("what", ["schemas/loke.schema.json", "state.json"])
@pytest.mark.parametrize("how", ["lost", "empty", "cut"])
def test_torn_working_folder_costs_nothing(
    sim, sync, tables, clock, monkeypatch, caplog, what, how, pending
):
    """Case 45: what is half lost, or half written, is fetched anew; what was pending, read anew."""
    sync()
    clock.advance(10 * MINUTE)
    sim.loke.touch(sim.loke.organizations[0], 5)
    if pending:
        with monkeypatch.context() as broken:
            broken.setattr(dlt.Pipeline, "load", killed)
            with pytest.raises(KeyboardInterrupt):
                sync()
    path = warehouse.place().pipelines / "regulars_loke" / what
    text = path.read_text()
    path.unlink() if how == "lost" else path.write_text(text[: len(text) // 2 * (how == "cut")])
    assert sync().exit_code == 0
    assert_true(tables, sim)
    caplog.clear()
    assert sync().exit_code == 0
    assert "cannot be read" not in caplog.text
