"""Kounta in a project: commands that share a credential, and settings that reach the source."""

from __future__ import annotations

import pytest

from pipelines import probe
from sources.throttle import Timing
from tests.conftest import MINUTE, assert_true
from tests.sources.kounta import DETAIL, OWN, TOKEN


@pytest.fixture
def vendors():
    """Kounta alone."""
    return ["kounta"]


def test_check_and_sync_share_one_credential_and_settings_count(
    sim, sync, tables, clock, monkeypatch
):
    """`check` spends a refresh token, and whoever comes next finds its successor; so the other way.

    Every setting is the source's: how old a full record may be, how long to wait, a region.
    """
    sim.kounta.switches.page_size = 130

    def check():
        sim.reset_counters()
        timing = Timing(clock.now, clock.sleep)
        assert [found.error for found in probe.check(sim.transport(), timing) if found.error] == []
        assert sim.count(TOKEN) == sim.count("customers$") == len(sim.requests) / 2 == 2

    check()
    sim.fault(OWN, times=None, status=403)
    monkeypatch.setenv("SOURCES__KOUNTA__DEFAULT_REGION", "AU")
    assert sync().exit_code == 0
    assert_true(tables, sim)
    local = "from raw_kounta.customers where mobile is null and phone like '0%'"
    assert tables.rows(f"select distinct _phone_e164[:3] {local}") == [("+61",)]
    check()
    monkeypatch.setenv("SOURCES__KOUNTA__DETAIL_MAX_AGE_DAYS", "0")
    monkeypatch.setenv("SOURCES__KOUNTA__MAX_WAIT_SECONDS", "70")
    monkeypatch.setenv("SOURCES__KOUNTA__ACCOUNTS__SECOND__DETAIL_MAX_AGE_DAYS", "3650")
    sim.kounta.switches.rate_limit = 40
    clock.advance(MINUTE)
    assert sync().exit_code == 75
    assert sim.count(DETAIL) > 40
