"""Kounta's unknowns: whichever way the vendor turns out to be, the tables come right."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from simulator import KountaSwitches
from tests.conftest import history
from tests.sources.kounta import COMPANY, DETAIL, LIST, OWN, TOKEN, Kounta


@pytest.fixture
def bench(tmp_path):
    """A company of forty customers on pages of ten."""
    return Kounta(tmp_path)


def _shake(bench, name):
    """Change a little of everything, all of it to be seen in the list."""
    kounta, ids = bench.kounta, bench.ids
    bench.set(ids[30], last_name=name, mobile=None, accepts_marketing=True)
    bench.set(ids[31], tags=[f"Tag of {name}", "VIP"], first_name=name)
    kounta.set_address(COMPANY, ids[32], "primary_address", {"lines": [name], "city": "Perth"})
    kounta.set_address(COMPANY, ids[32], "shipping_address", None)
    bench.set(ids[32], reference_id=name)
    bench.delete(ids[3])
    kounta.create_customer(COMPANY, tags=["Fresh"], last_name=name)


def test_every_switch_is_turned_somewhere():
    """No unknown of the vendor without a test that names it."""
    here = Path(__file__).parent
    text = "".join(path.read_text() for path in here.glob("test_kounta*.py"))
    names = [field.name for field in fields(KountaSwitches)]
    assert [name for name in names if not re.search(rf'"{name}": |\b{name}=', text)] == []


PAYLOADS = [
    {"list_payload": "full"},
    {"list_payload": "full", "tags_absent": True},
    {"tags_absent": True},
    {"addresses_key": "postal_address", "address_form": "older"},
    {"id_strings": True},
    {"offset_hours": -3.5, "list_payload": "full", "id_strings": True},
    {"paging": "legacy", "page_size": 7},
    {"paging": "both", "next_page": "relative", "page_size": 1},
    {"next_page_fault": "empty_with_next", "page_size": 1000},
    {"paging": "legacy", "list_payload": "full", "id_strings": True, "date_header": False},
]


@pytest.mark.parametrize("switches", PAYLOADS, ids=str)
def test_either_form_is_read_from_the_first_run_on(bench, switches):
    """Whatever records and pages look like, the first load and a later change are the truth."""
    bench.turn(**switches)
    if switches.get("tags_absent"):
        _forget_tags(bench)
    assert bench.sync() == 0
    bench.assert_true()
    _shake(bench, "Second")
    if switches.get("tags_absent"):
        _forget_tags(bench)
    assert bench.later() == 0
    bench.assert_true()
    # Who is gone, and whoever the list does not tell all about.
    whole = switches.get("list_payload") == "full" and not switches.get("tags_absent")
    assert bench.count(DETAIL) == (1 if whole else 5)
    before = bench.snapshot()
    assert bench.later() == 0
    assert bench.count(DETAIL) == 0
    assert bench.snapshot() == before


def _forget_tags(bench):
    """Take the tags out of the truth: what is never sent cannot be known."""
    for customer_id in bench.ids:
        bench.kounta.set_tags(COMPANY, customer_id, [])


def test_vendor_that_changes_the_form_of_its_records_makes_no_history(bench):
    """List in full or abridged, ids as texts, addresses by another name: nobody has changed."""
    bench.sync()
    before = history(bench)
    for switches in (
        {"id_strings": True},
        {"list_payload": "full"},
        {"id_strings": False},
        {"addresses_key": "postal_address"},
        {"list_payload": "abridged"},
        {"tags_absent": True, "offset_hours": 0},
        {"list_payload": "full"},
        {"list_payload": "abridged", "tags_absent": False},
    ):
        bench.turn(**switches)
        assert bench.later() == 0, switches
        assert history(bench) == before, switches
    bench.assert_true()


WIRES = [
    {"page_size": 1},
    {"page_size": 39},
    {"page_size": 40},
    {"page_size": 1000},
    {"paging": "legacy"},
    {"paging": "legacy", "page_size": 1000},
    {"paging": "both"},
    {"paging": "both", "next_page_fault": "empty_string", "page_size": 1000},
    {"next_page": "relative"},
    {"next_page": "relative", "next_page_fault": "empty_with_next", "start": "inclusive"},
    {"start": "inclusive"},
    {"next_page_fault": "empty_with_next"},
    {"next_page_fault": "empty_string"},
    {"accept": "lenient"},
    {"date_header": False},
]


def test_quiet_run_asks_for_the_pages_of_the_list_and_one_token(bench):
    """In every dialect: each page once, a token, and nothing else; so nobody was overlooked."""
    assert bench.sync() == 0
    assert (bench.count(OWN), bench.count(DETAIL), bench.count(LIST)) == (1, 40, 4)
    assert len(bench.sim.requests) == 46
    before, usual = bench.snapshot(), vars(bench.kounta.switches).copy()
    for switches in WIRES:
        bench.turn(**{**usual, **switches})
        assert bench.later() == 0, switches
        pages = -(-40 // bench.kounta.switches.page_size)
        pages += switches.get("next_page_fault") == "empty_with_next"
        assert bench.count(LIST) == pages, switches
        assert bench.count(TOKEN) == 1, switches
        assert len(bench.sim.requests) == pages + 1, switches
        assert {seen.status for seen in bench.sim.requests} == {200}, switches
    assert bench.snapshot() == before


def test_ids_beyond_a_float_are_exact(bench):
    """Whoever passes 64-bit ids through a float merges two customers; nobody does here."""
    bench.sync()
    huge = {key for _, key in bench.customers() if int(key) > 2**53}
    assert huge == {str(2**53 + 1), str(2**53 + 3), str(2**53 + 5)}
