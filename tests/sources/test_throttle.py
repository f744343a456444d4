"""Waits a vendor asks for, in every form, and the pace of our own cap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import VirtualClock
from sources.throttle import Limiter, OverBudgetError, Timing, vendor_time, wait_asked

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "90"}, 90),
        ({"Retry-After": "0"}, 0),
        ({"retry-after": format_datetime(LATER, usegmt=True)}, 90),
        ({"X-RateLimit-Reset": LATER.isoformat()}, 90),
        ({"X-Ratelimit-Reset": str(int(LATER.timestamp()))}, 90),
        ({"X-RateLimit-Reset": "90"}, 90),
        ({"X-RateLimit-Reset": (NOW - timedelta(hours=1)).isoformat()}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_wait_is_understood_in_every_form(headers, seconds):
    """Seconds, epoch, ISO 8601 and HTTP date are the same wait; nonsense is none."""
    assert wait_asked(httpx.Headers(headers), NOW) == seconds


@given(st.text(max_size=40))
def test_no_header_value_ever_raises(text):
    """Whatever a vendor puts into the header, we either wait a while or do not know."""
    asked = wait_asked({"retry-after": text}, NOW)
    assert asked is None or asked >= 0


def test_vendor_clock_is_its_date_header():
    """The Date header is the vendor's clock; without one it is unknown."""
    assert vendor_time({"date": "Sat, 02 May 2026 12:00:00 GMT"}) == NOW
    assert vendor_time({}) is None


@given(st.integers(1, 600), st.integers(2, 40))
def test_requests_use_the_permitted_rate_and_no_more(per_minute, count):
    """Spaced by our cap, requests take just the time the cap gives them."""
    clock = VirtualClock(NOW)
    limiter = Limiter(Timing(clock.now, clock.sleep), per_minute)
    for _ in range(count):
        limiter.acquire()
    expected = (count - 1) * 60 / per_minute
    assert abs((clock.now() - NOW).total_seconds() - expected) < 0.01


def test_waiting_ends_where_the_allowance_ends():
    """A wait beyond what the run may take is refused without waiting; the sum counts."""
    clock = VirtualClock(NOW)
    limiter = Limiter(Timing(clock.now, clock.sleep), max_wait=100)
    limiter.pause(60)
    with pytest.raises(OverBudgetError):
        limiter.pause(60)
    assert clock.now() == NOW + timedelta(seconds=60)


def test_answer_that_many_overtook_is_no_news():
    """Its larger number is older than theirs, however many they were."""
    limiter = Limiter(Timing(lambda: NOW, lambda _: None))
    with ThreadPoolExecutor(1) as slow:
        slow.submit(limiter.acquire).result()
        for left in (6, 5, 4, 3):
            limiter.acquire()
            limiter.answered(httpx.Headers({"x-ratelimit-remaining": str(left)}))
        slow.submit(limiter.answered, httpx.Headers({"x-ratelimit-remaining": "7"})).result()
    assert limiter.left == 3
    limiter.acquire()
    limiter.answered(httpx.Headers({"x-ratelimit-remaining": "90"}))
    assert limiter.left == 90
