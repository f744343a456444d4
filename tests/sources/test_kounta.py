"""Kounta's unknowns: whichever way the vendor turns out to be, the tables come right."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from simulator import KountaSwitches
from tests.conftest import MINUTE, assert_true, history
from tests.sources.kounta import COMPANY, DETAIL, LIST, TOKEN, alone, turn


@pytest.fixture
def vendors():
    """Kounta alone."""
    return ["kounta"]


@pytest.fixture
def sim(sim, monkeypatch):
    """One company on pages of ten."""
    return alone(sim, monkeypatch)


def _shake(sim, name):
    """Change a little of everything, all of it to be seen in the list."""
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    kounta.update_customer(COMPANY, ids[40], last_name=name, mobile=None, accepts_marketing=True)
    kounta.set_tags(COMPANY, ids[41], [f"Tag of {name}", "VIP"])
    kounta.update_customer(COMPANY, ids[41], first_name=name)
    kounta.set_address(COMPANY, ids[42], "primary_address", {"lines": [name], "city": "Perth"})
    kounta.set_address(COMPANY, ids[42], "shipping_address", None)
    kounta.update_customer(COMPANY, ids[42], reference_id=name)
    kounta.delete_customer(COMPANY, ids[3])
    kounta.create_customer(COMPANY, tags=["Fresh"], last_name=name)


def test_every_switch_is_turned_somewhere():
    """No unknown of the vendor without a test that names it."""
    here = Path(__file__).parent
    text = "".join(path.read_text() for path in here.glob("test_kounta*.py"))
    assert [field.name for field in fields(KountaSwitches) if field.name not in text] == []


PAYLOADS = [
    {"list_payload": "full"},
    {"list_payload": "full", "tags_absent": True},
    {"tags_absent": True},
    {"addresses_key": "postal_address", "address_form": "older"},
    {"id_strings": True},
    {"offset_hours": -3.5, "list_payload": "full", "id_strings": True},
]


@pytest.mark.parametrize("switches", PAYLOADS, ids=str)
def test_either_form_of_a_record_is_read_from_the_first_run_on(sim, sync, tables, clock, switches):
    """Whatever records look like, the first load and a later change give the same truth."""
    turn(sim, **switches)
    if switches.get("tags_absent"):
        _forget_tags(sim)
    assert sync().exit_code == 0
    assert_true(tables, sim)
    _shake(sim, "Second")
    if switches.get("tags_absent"):
        _forget_tags(sim)
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert_true(tables, sim)
    asked = sim.count(DETAIL)
    assert asked <= 6
    clock.advance(MINUTE)
    before = tables.snapshot()
    assert sync().exit_code == 0
    assert sim.count(DETAIL) == 0
    assert tables.snapshot() == before


def _forget_tags(sim):
    """Take the tags out of the truth: what is never sent cannot be known."""
    for customer_id in sim.kounta.customer_ids(COMPANY):
        sim.kounta.set_tags(COMPANY, customer_id, [])


def test_vendor_that_changes_the_form_of_its_records_makes_no_history(sim, sync, tables, clock):
    """List in full or abridged, ids as texts, addresses by another name: nobody has changed."""
    sync()
    before = history(tables)
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
        turn(sim, **switches)
        clock.advance(MINUTE)
        assert sync().exit_code == 0, switches
        assert history(tables) == before, switches
    assert_true(tables, sim)


WIRES = [
    {"page_size": 1},
    {"page_size": 109},
    {"page_size": 110},
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


def test_quiet_run_asks_for_the_pages_of_the_list_and_one_token(sim, sync, tables, clock):
    """In every dialect: each page once, a token, and nothing else; so nobody was overlooked."""
    sync()
    before, usual = tables.snapshot(), vars(sim.kounta.switches).copy()
    for switches in WIRES:
        turn(sim, **{**usual, **switches})
        clock.advance(MINUTE)
        assert sync().exit_code == 0, switches
        pages = -(-110 // sim.kounta.switches.page_size)
        pages += switches.get("next_page_fault") == "empty_with_next"
        assert sim.count(LIST) == pages, switches
        assert sim.count(TOKEN) == 1, switches
        assert len(sim.requests) == pages + 1, switches
        assert {seen.status for seen in sim.requests} == {200}, switches
    assert tables.snapshot() == before


@pytest.mark.parametrize(
    "switches",
    [
        {"paging": "legacy", "page_size": 7},
        {"paging": "both", "next_page": "relative", "page_size": 1},
        {"next_page_fault": "empty_with_next", "page_size": 1000},
        {"paging": "legacy", "list_payload": "full", "id_strings": True, "date_header": False},
    ],
    ids=str,
)
def test_first_load_and_change_in_another_dialect(sim, sync, tables, clock, switches):
    """Combinations, from the first page of the first run."""
    turn(sim, **switches)
    assert sync().exit_code == 0
    assert_true(tables, sim)
    _shake(sim, "Second")
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert_true(tables, sim)
