"""Foodics' faults: what is tried again, what ends a run and how, and where the next one goes on."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest

from sources import foodics as source
from sources.errors import AuthError
from sources.job import Job
from sources.throttle import Limiter, Timing
from tests.sources.foodics import DELETED, LIST, LIVING, TAGS, Foodics, ago

HTML = b"<html><body>Service temporarily unavailable</body></html>"


@pytest.fixture
def foodics(tmp_path):
    """An account of five pages whose interrupted scans are gone on with."""
    made = Foodics(tmp_path)
    made.keeps = True
    return made


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "body": HTML, "headers": {"content-type": "text/html"}},
        {"status": 500},
        {"drop": True},
        {"truncate": True},
        {"body": HTML},
        {"body": b'{"data": ['},
        {"body": b'{"data": {}}'},
        {"body": b'{"error": "busy"}'},
        {"body": b"[]"},
    ],
    ids=str,
)
@pytest.mark.parametrize("where", [LIVING, DELETED, TAGS])
def test_passing_fault_is_tried_again(foodics, where, fault):
    """One bad answer costs one question more and nothing else."""
    foodics.sim.fault(where, nth=2 if where == LIVING else 1, **fault)
    assert foodics.sync() == 0
    foodics.assert_true()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 503, "body": HTML}, 75),
        ({"drop": True}, 75),
        ({"body": HTML}, 4),
        ({"body": b'{"data": [1]}'}, 4),
        ({"status": 401}, 3),
        ({"status": 403}, 3),
        ({"status": 422}, 4),
        ({"status": 302, "headers": {"location": "http://elsewhere.test/"}}, 4),
    ],
    ids=str,
)
def test_lasting_fault_ends_the_scan_and_a_rerun_mends_it(foodics, fault, code):
    """Nothing of a scan that failed is shown, nobody is removed, and the next run is right."""
    foodics.sim.fault(LIVING, nth=3, times=None, **fault)
    assert foodics.sync() == code
    assert foodics.customers() == set()
    assert foodics.report("tags").complete
    assert not foodics.report().complete
    foodics.sim.clear()
    assert foodics.later() == 0
    foodics.assert_true()
    assert foodics.removed() == []


def test_fault_of_an_increment_moves_no_watermark(foodics):
    """What changed is found by the next run, however often one fails."""
    foodics.sync()
    for customer_id in foodics.ids[:15]:
        foodics.clock.advance(timedelta(minutes=1))
        foodics.set(customer_id, name="Changed")
    for nth in (1, 2):
        foodics.sim.fault(LIVING, nth=nth, times=None, status=422)
        assert foodics.later() == 4
        foodics.sim.clear()
    foodics.clock.advance(timedelta(hours=1))
    assert foodics.later() == 0
    foodics.assert_true()


@pytest.mark.parametrize("pattern", [LIVING, DELETED])
@pytest.mark.parametrize("nth", [2, 4])
def test_scan_goes_on_where_it_stopped(tmp_path, pattern, nth):
    """The part that was landed is not read again, and nothing is missing in the end."""
    foodics = Foodics(tmp_path, 60, page_size=5)
    foodics.keeps = True
    foodics.delete(*foodics.ids[:20])
    foodics.sim.fault(pattern, nth=nth, times=None, status=503)
    assert foodics.sync(pages=2) == 75
    asked = foodics.count(LIVING) - (4 if pattern == LIVING else 0)  # four more tries
    foodics.sim.clear()
    foodics.set(foodics.oldest_first[0], name="Between the two")
    assert foodics.later() == 0
    assert foodics.count(LIVING) <= 40 / 4 + 2 - asked
    assert len(foodics.customers()) == 40
    assert foodics.later() == 0
    foodics.assert_true()


@pytest.mark.parametrize("envelope", ["length_aware", "simple"])
def test_scan_that_stopped_within_one_stamp_goes_on_at_its_page(tmp_path, envelope):
    """A mass change may take longer than a run may: from its first page on it would never end."""
    foodics = Foodics(tmp_path, 60, page_size=5, envelope=envelope)
    foodics.keeps = True
    foodics.stamp(foodics.ids, ago(days=9))
    foodics.sim.fault(LIVING, nth=9, times=None, status=503)
    assert foodics.sync(pages=2) == 75
    foodics.sim.clear()
    assert foodics.later() == 0
    assert envelope == "simple" or foodics.count(LIVING) <= 5
    foodics.assert_true()


@pytest.mark.parametrize("cap", [6, 9])
def test_scan_that_stopped_within_one_stamp_sees_a_cap(tmp_path, cap):
    """What was read before is not remembered, and is read again in the same order first."""
    foodics = Foodics(tmp_path, 50, page_size=5, page_cap=cap)
    foodics.keeps = True
    foodics.stamp(foodics.ids, ago(days=9))
    foodics.sim.fault(LIVING, nth=5, times=None, status=503)
    assert foodics.sync(pages=2) == 75
    foodics.sim.clear()
    code = foodics.later()
    whole = {one for _, one in foodics.customers()} == set(foodics.ids)
    assert (code, whole) in {(0, True), (4, False)}
    assert code == 0


def test_token_that_is_refused_ends_with_3(foodics):
    """Revoked before or during a scan: a person has to renew it, and nothing is lost."""
    foodics.sync()
    foodics.foodics.revoke(foodics.tenant)
    assert foodics.later(access_token="foodics-demo-1-1") == 3
    before = foodics.customers()
    foodics.before(LIVING, 1, lambda: foodics.foodics.revoke(foodics.tenant))
    assert foodics.later(full=True) == 3
    assert foodics.customers() == before
    assert foodics.later() == 0
    foodics.assert_true()


def test_another_business_than_before_is_held_until_it_is_allowed(tmp_path):
    """The customers of the business the token showed before stand as they were."""
    foodics = Foodics(tmp_path)
    foodics.sync()
    before = foodics.customers()
    stranger = "0" * 8 + "-0000-4000-8000-" + "0" * 12

    def other(body):
        return body.replace(foodics.tenant.encode(), stranger.encode())

    foodics.sim.fault("GET /foodics/v5/whoami", times=None, body=other)
    assert foodics.later() == 5
    assert before < foodics.customers()
    assert {one for one, _ in foodics.customers()} == {foodics.tenant, stranger}
    assert foodics.later(allow_mass_delete=True, full=True) == 0
    assert {one for one, _ in foodics.customers()} == {stranger}


@pytest.mark.parametrize(
    "body",
    [b'{"data": {}}', b'{"data": {"business": null}}', b'{"data": {"business": {"id": 1.5}}}'],
)
def test_token_that_names_no_business_ends_with_4(foodics, body):
    """Without a business nothing has a key."""
    foodics.sim.fault("whoami", times=None, body=body)
    assert foodics.sync() == 4
    assert foodics.count(LIST) == 0


def test_scopes_that_lack_are_told_before_anything_is_read(foodics):
    """`regulars check` names what is missing, and what only stays NULL."""
    facts = {
        "access_token": foodics.foodics.token(foodics.tenant),
        "base_url": foodics.foodics.base_url,
    }
    job, transport = Job(), foodics.sim.transport()
    assert foodics.tenant in source.probe(job, transport, "default", **facts).sees
    foodics.turn(scopes=["customers.list", "customers.get", "general.read"])
    told = source.probe(job, transport, "default", **facts).sees
    assert "without customers.accounts.read, customers.loyalty.read" in told
    foodics.turn(scopes=["customers.get", "general.read"])
    with pytest.raises(AuthError, match=r"lacks customers\.list"):
        source.probe(job, transport, "default", **facts)


def test_bearer_is_written_as_the_vendor_wants_it(foodics):
    """`bearer` in small letters is refused there."""
    seen = set()
    respond = foodics.sim.foodics.respond

    def listening(request):
        seen.add(request.headers["authorization"].partition(" ")[0])
        assert request.headers["accept"] == "application/json"
        return respond(request)

    foodics.sim.foodics.respond = listening
    assert foodics.sync() == 0
    assert seen == {"Bearer"}


def test_nothing_of_a_fault_quotes_a_person(foodics, caplog):
    """Neither the log nor an error holds what a page held."""
    mail = "someone.private@example.com"
    foodics.set(foodics.ids[0], email=mail, name="Private Person")
    broken = b'{"data": [{"id": "1", "email": "someone.private@example.com"'
    foodics.sim.fault(LIVING, nth=2, times=None, body=broken)
    with caplog.at_level(logging.DEBUG, "regulars"):
        assert foodics.sync() == 4
    told = caplog.text + " ".join(map(str, foodics.job.errors))
    assert "private" not in told.lower()


def test_limit_is_used_and_never_exceeded(tmp_path):
    """Ninety a minute: eight walks use at least 95 % of them, and none is refused."""
    foodics = Foodics(tmp_path, 700, page_size=2, rate_limit=90)
    assert foodics.sync(max_wait_seconds=3600) == 0
    seen = [(request.at, request.status) for request in foodics.sim.requests]
    assert {status for _, status in seen} == {200}
    minutes = (seen[-1][0] - seen[0][0]) / timedelta(minutes=1)
    assert len(seen) > 700
    assert len(seen) >= 0.95 * 90 * minutes
    foodics.assert_true()


@pytest.mark.parametrize("header", ["retry_after", "retry_after_date", "reset_epoch", "none"])
def test_throttle_is_waited_out_as_it_asks(tmp_path, header):
    """Another reader of the same token uses the limit up: what is asked for is waited, then on."""
    foodics = Foodics(tmp_path, rate_limit=5, rate_limit_header=header)
    foodics.sim.fault(
        "GET", times=None, headers={"x-ratelimit-remaining": None, "x-ratelimit-limit": None}
    )
    assert foodics.sync(max_wait_seconds=3600) == 0
    refused = [request for request in foodics.sim.requests if request.status == 429]
    assert 0 < len(refused) <= (8 if header == "none" else 4)
    foodics.assert_true()


def test_wait_longer_than_the_run_may_take_is_left_to_the_next(foodics):
    """It ends 75 at its checkpoint, tells when it may be asked again, and goes on there."""
    asked = {"status": 429, "headers": {"retry-after": "4000"}}
    foodics.sim.fault(LIVING, nth=3, times=1, **asked)
    started = foodics.clock.now()
    assert foodics.sync(pages=2) == 75
    assert foodics.clock.now() - started < timedelta(minutes=5)
    assert "it may be asked again at 2026-05-02 13:06:40Z" in str(foodics.job.errors[0])
    assert foodics.later() == 0
    assert foodics.count(LIVING) <= 4
    foodics.assert_true()


def test_eight_threads_share_one_limit(tmp_path):
    """Whichever thread asks, none is let out that the vendor would refuse."""
    foodics = Foodics(tmp_path, 10, rate_limit=90)
    limiter = Limiter(Timing(foodics.clock.now, foodics.clock.sleep), max_wait=3600)
    account = foodics.connect(Job(timing=limiter.timing))
    account.client.limiter = limiter
    foodics.sim.fault("whoami", times=None, delay=0.0005)

    def ask():
        for _ in range(60):
            source.api.whoami(account.client)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    seen = [(request.at, request.status) for request in foodics.sim.requests]
    assert {status for _, status in seen} == {200}
    assert len(seen) >= 0.95 * 90 * ((seen[-1][0] - seen[0][0]) / timedelta(minutes=1))
