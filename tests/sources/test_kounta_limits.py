"""Kounta's limit on requests, in every form it may be told in."""

from __future__ import annotations

import pytest

from tests.conftest import NOON
from tests.sources.kounta import LIST, Kounta

_TOLD = ["reset_epoch", "reset_iso", "retry_after", "retry_after_date"]


@pytest.fixture
def bench(tmp_path):
    """A company of forty customers on pages of ten: forty-five requests and a token."""
    return Kounta(tmp_path)


def _refused(bench):
    return [seen for seen in bench.sim.requests if seen.status in (400, 429)]


def _took(bench):
    return (bench.clock.now() - NOON).total_seconds()


def test_permitted_rate_is_used_and_never_exceeded(bench):
    """Where answers tell what is left, nothing is refused and no time is lost."""
    bench.turn(rate_limit=20)
    assert bench.sync() == 0
    assert _refused(bench) == []
    assert 120 <= _took(bench) <= 122
    bench.assert_true()


@pytest.mark.parametrize("form", _TOLD)
def test_wait_a_refusal_asks_for_is_kept(bench, form):
    """In any form, and where nothing else tells of the limit: who was in flight, and no more."""
    bench.turn(rate_limit=20, rate_limit_header=form)
    bench.sim.fault("GET", times=None, headers={"x-ratelimit-remaining": None})
    assert bench.sync(max_wait_seconds=900) == 0
    assert 2 <= len(_refused(bench)) <= 8
    # A refusal that one of four threads looks at late, by this clock, asks for a minute more.
    assert 120 <= _took(bench) <= 120 + 4 * 62
    bench.assert_true()


@pytest.mark.parametrize("form", ["none", "retry_after_zero"])
@pytest.mark.parametrize("limit_body", [False, True])
def test_refusal_that_asks_for_no_wait_is_waited_out(bench, form, limit_body):
    """As 429, or as 400 with a text: no wait is told, so ours grows; tries are not burnt."""
    bench.turn(rate_limit=20, rate_limit_header=form, limit_body=limit_body)
    bench.sim.fault("GET", times=None, headers={"x-ratelimit-remaining": None})
    assert bench.sync() == 0
    assert {seen.status for seen in _refused(bench)} == {400 if limit_body else 429}
    assert 120 <= _took(bench) <= 300
    bench.assert_true()


def test_reset_that_is_further_than_the_run_may_wait_ends_it_at_once(bench):
    """A quota of hours is no matter of this run: it ends 75, says when, and waits for nothing."""
    bench.sync()
    before = bench.snapshot()
    far = {"x-ratelimit-reset": str(int(NOON.timestamp()) + 7200)}
    bench.sim.fault(LIST, times=None, status=429, headers=far)
    assert bench.sync() == 75
    assert "it may be asked again at 2026-05-02 14:00:00Z" in str(bench.job.errors[0])
    assert (_took(bench), bench.count(LIST)) == (0, 1)
    assert bench.snapshot() == before
