"""What Collins says, all the way to the tables analysts read."""

from __future__ import annotations

import os

import pytest

from tests.conftest import MINUTE, assert_true
from tests.sources.collins_bench import TENANT

STREET = {"street": "1 New Row", "city": "", "post_code": "ZZ1 1ZZ"}


@pytest.fixture
def vendors():
    """Collins alone."""
    return ["collins"]


@pytest.fixture
def collins(sim, monkeypatch):
    """One account whose stamps are London's, and whose unknown values are sent empty."""
    for name in list(os.environ):
        if name.startswith("SOURCES__COLLINS__ACCOUNTS"):
            monkeypatch.delenv(name)
    del sim.collins.world["leeds"]
    sent = {"zone": "Europe/London", "dob_time": True, "absent": "empty", "extra_field": True}
    vars(sim.collins.switches).update(sent)
    return sim.collins


def test_core_says_what_collins_says_and_history_when_it_changed(collins, sim, sync, tables, clock):
    """Names, consent, days of birth, lists; an address appears, changes, goes with its customer."""
    said, moved, gone = collins.customer_ids(TENANT)[1:4]
    preference, retired = collins.preference_ids(TENANT)[:2]
    collins.update_customer(TENANT, said, marketing_preferences=[], dob="1990-11-05")
    collins.update_customer(TENANT, gone, company_address=STREET)
    assert sync().exit_code == 0
    assert_true(tables, sim)
    for opted_in, city in ((True, "Leeds"), (False, "York")):
        clock.advance(10 * MINUTE)
        collins.set_preference(TENANT, said, preference, opted_in=opted_in)
        collins.update_customer(TENANT, moved, company_address=STREET | {"city": city})
        clock.advance(MINUTE)
        assert sync().exit_code == 0
        assert_true(tables, sim)
    collins.update_customer(TENANT, moved, company_address={})
    collins.retire_preference(TENANT, retired)
    collins.delete_customer(TENANT, gone)
    assert sync(full=True).exit_code == 0
    assert_true(tables, sim)
    assert _consents(tables, said, preference) == [("13:10", "12:22")]
    assert tables.rows(
        "select city, valid_to is null from core.customer_address_history "
        f"where customer_id = '{moved}' and city is not null order by valid_from"
    ) == [("Leeds", False), ("York", False)]


def _consents(tables, customer, preference):
    """Return (when it began by the vendor's clock, when we saw it end) of each membership."""
    rows = tables.rows(
        "select added_at, valid_to from core.membership_history "
        f"where customer_id = '{customer}' and list_id = '{preference}' order by valid_from"
    )
    return [(f"{began:%H:%M}", f"{ended:%H:%M}") for began, ended in rows]
