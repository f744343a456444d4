"""Several vendors and accounts in one run: side by side, each by itself, none stopping another."""

from __future__ import annotations

import pytest

from sources import VENDORS
from tests.conftest import assert_true

pytestmark = pytest.mark.light


@pytest.fixture
def vendors():
    """All of them."""
    return list(VENDORS)


@pytest.mark.whole
def test_all_vendors_arrive_in_one_run(sync, sim, tables):
    """Four vendors, seven accounts, one core."""
    outcome = sync()
    assert outcome.exit_code == 0
    assert {report.vendor for report in outcome.reports} == set(VENDORS)
    assert_true(tables, sim)


def test_one_refused_credential_stops_no_other(sync, sim, tables, monkeypatch):
    """A vendor that refuses us ends the run 3; the others, and its other account, are published."""
    monkeypatch.setenv("SOURCES__COLLINS__ACCESS_TOKEN", "revoked")
    outcome = sync()
    assert (outcome.exit_code, outcome.status) == (3, "partial")
    rows = tables.rows("select distinct vendor, tenant_id from core.customers order by all")
    assert ("collins", "leeds") in rows
    assert ("collins", "london") not in rows
    assert {vendor for vendor, _ in rows} == set(VENDORS)


def test_first_exit_code_that_applies_wins(sync, sim, monkeypatch):
    """2, 3, 4, 5, 75: what needs a person most is told."""
    sim.fault("GET /foodics/v5/customers", times=None, status=503)
    assert sync().exit_code == 75
    monkeypatch.setenv("SOURCES__COLLINS__ACCESS_TOKEN", "revoked")
    assert sync().exit_code == 3
    monkeypatch.delenv("SOURCES__COLLINS__ACCOUNTS__SECOND__ACCESS_TOKEN")
    assert sync().exit_code == 2


def test_half_configured_account_stops_no_other(sync, sim, tables, monkeypatch):
    """What is missing is named, the run ends 2, and all else is read."""
    monkeypatch.setenv("SOURCES__LOKE__ACCOUNTS__NORTH__CLIENT_ID", "half")
    outcome = sync()
    assert outcome.exit_code == 2
    assert "sources.loke.accounts.north.client_secret" in str(outcome.errors[0])
    assert_true(tables, sim)


def test_vendors_are_read_side_by_side(sync, sim):
    """While one vendor answers slowly the others are asked."""
    sim.fault("GET ", times=None, delay=0.02)
    with sim.serve():
        from pipelines.sync import sync as run_sync
        from simulator.accounts import settings_for

        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings_for(sim).items():
                patch.setenv(name, value)
            sim.reset_counters()
            assert run_sync().exit_code == 0
    assert sim.max_in_flight > 4  # more than any one account may have


@pytest.mark.parametrize("vendor", ["foodics"])
def test_tenant_that_is_not_shown_any_more_stands_until_a_person_agrees(
    vendor, sync, sim, tables, monkeypatch
):
    """A credential that suddenly sees another business removes nobody of the first."""
    first, second = getattr(sim, vendor).tenants
    sync()
    monkeypatch.setenv("SOURCES__FOODICS__ACCESS_TOKEN", sim.foodics.token(second))
    before = tables.customers()
    held = sync()
    assert held.exit_code == 5
    assert first in str(held.errors[0])
    assert tables.customers() == before
    assert sync(full=True, allow_mass_delete=True).exit_code == 0
    assert first not in {tenant for tenant, _ in tables.rows(
        "select tenant_id, customer_id from core.customers where vendor = 'foodics'"
    )}  # fmt: skip
    assert tables.one(
        "select count(*) from core.memberships where vendor = 'foodics' "
        f"and tenant_id = '{first}'"
    ) == 0  # fmt: skip
    assert sync().exit_code == 0


@pytest.mark.whole
def test_accounts_share_the_file_but_no_object_dlt_writes_into(project):
    """Each pipeline has its own: dlt notes each pipeline's settings in it."""
    from pipelines import warehouse

    with warehouse.writing() as destination:
        one, two = (warehouse.pipeline(name, "raw", destination) for name in ("one", "two"))
        assert one.destination is not two.destination
        assert one.destination.config_params is not two.destination.config_params
        with one.sql_client() as first, two.sql_client() as second:
            first.execute_sql("create table main.seen (i integer)")
            assert second.execute_sql("select count(*) from main.seen") == [(0,)]
