"""Whatever a vendor answers, it costs what it concerns and nothing else."""

from __future__ import annotations

import gc
import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest

from simulator import VirtualClock
from sources.changes import Changes
from sources.content import digest
from sources.convert import Kind, column
from sources.errors import AuthError, ContractError, Unavailable
from sources.http import Client
from sources.job import Job, ScanReport
from sources.loke.fields import CUSTOMERS
from sources.normalise import country_of
from sources.paging import Batch, follow_header, numbered
from sources.payload import parse, records_in
from sources.retry import is_expiry
from sources.throttle import Limiter, OverBudgetError, Timing, wait_asked
from tests.conftest import NOON


class _Tokens:
    """Tokens that live so long by the clock, whatever the holder believes."""

    def __init__(self, clock: VirtualClock, life: int, stated: int) -> None:
        self.clock, self.life, self.stated = clock, life, stated
        self.issued = [NOON - timedelta(days=1)]
        self.until = NOON - timedelta(days=1)

    def header(self) -> str:
        if self.clock.now() >= self.until:
            self.issued.append(self.clock.now())
            self.until = self.clock.now() + timedelta(seconds=self.stated)
        return f"Bearer {len(self.issued) - 1}"

    def renew(self, refused: str) -> bool:
        if refused == f"Bearer {len(self.issued) - 1}":
            self.until = self.clock.now()
        return True

    def lives(self, request: httpx.Request) -> bool:
        issued = self.issued[int(request.headers["Authorization"].removeprefix("Bearer "))]
        return self.clock.now() < issued + timedelta(seconds=self.life)


def _client(handler, *, clock=None, auth=None, max_wait=300) -> Client:
    clock = clock or VirtualClock(NOON)
    made = Client(
        vendor="acme", account="default", base_url="https://api.test/v1",
        limiter=Limiter(Timing(clock.now, clock.sleep), max_wait=max_wait),
        transport=httpx.MockTransport(handler),
    )  # fmt: skip
    made.auth = auth or _Tokens(clock, 10**6, 10**6)
    return made


def _answers(*answers):
    """Return a handler that gives these answers, (status, headers) each; the last one for ever."""
    left = list(answers)

    def handle(_: httpx.Request) -> httpx.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if callable(answer):
            return answer()
        status, headers = answer
        return httpx.Response(status, headers=headers, content=b"[]")

    return handle


OK = (200, {})


@pytest.mark.parametrize("stated", [60, 300], ids=["known", "believed longer"])
def test_token_that_dies_in_every_wait_is_no_refused_credential(stated):
    """Case 55: each try is signed when its wait is over, and a token that died in it is renewed."""
    clock, waits = VirtualClock(NOON), 3
    tokens = _Tokens(clock, 60, stated)

    def answer(request):
        nonlocal waits
        if not tokens.lives(request):
            return httpx.Response(401)
        waits -= 1
        throttled = waits >= 0
        return httpx.Response(429 if throttled else 200, headers={"Retry-After": "90"}, json=[])

    client = _client(answer, clock=clock, auth=tokens, max_wait=1000)
    client.get(client.url("things"), resource="things")
    assert waits == -1


def test_token_refused_fresh_from_its_issue_is_final():
    """A vendor that refuses whatever it issues is asked with two tokens, not more."""
    client = _client(_answers((401, {})))
    with pytest.raises(AuthError):
        client.get(client.url("things"), resource="things")
    assert client.requests["things"] == 2


def test_torn_body_is_tried_again():
    """A body that cannot be unpacked is an answer that did not come whole."""

    def torn():
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_Torn())

    client = _client(_answers(torn, torn, OK))
    assert client.get(client.url("things"), resource="things")[0] == []
    client = _client(_answers(torn))
    with pytest.raises(Unavailable, match="DecodingError"):
        client.get(client.url("things"), resource="things")


class _Torn(httpx.SyncByteStream):
    def __iter__(self):
        yield b"no gzip"


@pytest.mark.parametrize("address", ["http://[::1/x", "http://api.test:port/", "\x07", "//\u2764"])
def test_address_that_is_none_is_a_broken_promise(address):
    """A next page's address nobody can read is never a crash, and never asked for."""
    client = _client(_answers(OK))
    with pytest.raises(ContractError):
        client.next_url("https://api.test/v1/things", address, "things")


@pytest.mark.parametrize(
    ("status", "headers", "least", "most"),
    [
        (502, {"X-RateLimit-Reset": "3000"}, 0, 1),
        (503, {"Retry-After": "40"}, 40, 40),
        (429, {"X-RateLimit-Reset": "40"}, 40, 40),
        (429, {"X-RateLimit-Reset": str(int(NOON.timestamp() + 40) * 1000)}, 40, 40),
    ],
)
def test_only_a_throttle_waits_for_the_limits_reset(status, headers, least, most):
    """Case 54: a failure is tried again soon, though each answer says when the limit is reset."""
    clock = VirtualClock(NOON)
    client = _client(_answers((status, headers), OK), clock=clock)
    client.get(client.url("things"), resource="things")
    assert least <= (clock.now() - NOON).total_seconds() <= most


@pytest.mark.parametrize("said", ["9" * 400, "99999999999999999", "9999-12-31T23:59:59Z"])
def test_wait_beyond_all_time_is_a_wait_too_long(said):
    """Nonsense in a header is a wait nobody takes, not a crash."""
    assert (wait_asked({"retry-after": said}, NOON) or 0) >= 10**8
    client = _client(_answers((429, {"Retry-After": said})))
    with pytest.raises(Unavailable):
        client.get(client.url("things"), resource="things")
    client = _client(_answers((200, {"X-RateLimit-Reset": said, "X-RateLimit-Remaining": said})))
    client.get(client.url("things"), resource="things")


def test_time_that_several_wait_at_once_is_paid_once():
    """The allowance is wall time: four threads that wait for the same minute have waited one."""
    limiter = Limiter(Timing(lambda: NOON, lambda _: None), max_wait=100)
    for seconds in (60, 60, 30, 80):
        limiter.pause(seconds)
    assert limiter.waited == 80
    with pytest.raises(OverBudgetError):
        limiter.pause(101)


def test_throttle_stops_whoever_asks_as_the_account():
    """One 429 is enough: no request of the credential goes out before its wait is over."""
    clock = VirtualClock(NOON)
    client = _client(_answers((429, {"Retry-After": "50"}), OK), clock=clock)
    client.get(client.url("things"), resource="things")
    client.limiter.hold(40)
    client.limiter.hold(10)
    client.get(client.url("others"), resource="others")
    assert clock.now() == NOON + timedelta(seconds=90)
    assert client.limiter.waited == 90


@pytest.mark.parametrize("per_minute", [0, 1], ids=["vendor", "own cap"])
def test_stopped_run_waits_no_longer(per_minute):
    """Whoever sleeps for a vendor wakes when the run is stopped, and sends nothing more."""
    limiter = Limiter(Timing(), per_minute)
    limiter.acquire()
    if not per_minute:
        limiter.hold(60)
    ended = []

    def wait():
        try:
            limiter.acquire()
        except OverBudgetError:
            ended.append(time.monotonic())

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    limiter.stopped.set()
    waiting.join(5)
    assert ended


@pytest.mark.parametrize(
    ("body", "headers", "expired"),
    [
        (b'{"error_description": "The access token provided has expired"}', {}, True),
        (b'{"error": "invalid_token"}', {}, True),
        (b"", {"WWW-Authenticate": "Bearer"}, True),
        (b'{"message": "cursor expired"}', {}, False),
        (b'{"message": "the next page token has expired"}', {}, False),
        (b'{"message": "bad request"}', {}, False),
    ],
)
def test_what_has_expired_need_not_be_the_token(body, headers, expired):
    """A 400 about a page address that has expired says nothing of the credential."""
    assert is_expiry(httpx.Response(400, content=body, headers=headers)) is expired


@pytest.mark.parametrize("levels", [65, 300, 700, 1000])
def test_value_nested_without_end_costs_nothing_but_itself(levels):
    """The record, its page and its hash are as good as any; the value says what became of it."""
    deep = b'{"a":' * levels + b"null" + b"}" * levels
    body = b'[{"id":"1","note":"]["},{"id":"2","nick":' + deep + b',"n":null}]'
    records = records_in(parse(body))
    assert [record["id"] for record in records] == ["1", "2"]
    assert b"nested too deeply" in orjson.dumps(records[1])
    assert digest(records[1]) == digest(records_in(parse(body + b" "))[1])


def test_value_nested_in_reason_is_kept_whole():
    """Sixty levels are strange, and kept."""
    deep = b'{"a":[' * 30 + b"1" + b"]}" * 30
    assert orjson.dumps(parse(deep)) == deep


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TIMESTAMP, "0001-01-01T00:00:00Z"),
        (Kind.TIMESTAMP, "9999-12-31T23:59:59-12:00"),
        (Kind.TIMESTAMP, "1899-12-30 00:00:00"),
        (Kind.INTEGER, 10**15),
        (Kind.INTEGER, -(10**18)),
        (Kind.INTEGER, "1" + "0" * 16),
        (Kind.JSON, [[[object()]]]),
    ],
)
def test_value_beyond_belief_is_null_and_told(kind, value):
    """Zero times of programming languages and absurd numbers never reach a watermark or core."""
    good = {Kind.TIMESTAMP: "2026-05-02T12:00:00Z", Kind.INTEGER: 7, Kind.JSON: None}[kind]
    made, bad = column(kind, [good, value])
    assert made.to_pylist()[1] is None
    assert made.type == kind.arrow
    assert [index for index, _ in bad] == [1]
    assert column(kind, [good])[1] == []


def test_integer_beyond_64_bits_is_kept_where_json_is():
    """A JSON field holds what the vendor sent, however large."""
    made, bad = column(Kind.JSON, [{"n": 2**70}])
    assert (made.to_pylist(), bad) == (['{"n":1180591620717411303424}'], [])


def test_zero_stamp_is_no_stamp():
    """A record whose change stamp is a zero time counts as one without."""
    assert CUSTOMERS.stamps([{"updatedAt": "0001-01-01T00:00:00Z"}]) == [None]


def test_walk_that_brings_nothing_new_ends():
    """Case 19: ever new addresses of the same page, or of empty ones, are a broken promise."""
    for records in ([], [{"id": "1", "seen": 1}, {"id": "2"}]):
        asked = []

        def answer(request, records=records, asked=asked):
            asked.append(request)
            return httpx.Response(
                200, json=records, headers={"X-Next-Page": f"/v1/things?p={len(asked)}"}
            )

        client = _client(answer)
        with pytest.raises(ContractError, match="nothing new"):
            list(follow_header(client, client.url("things"), resource="things"))
        assert len(asked) < 110


def test_numbered_walk_that_brings_nothing_new_ends():
    """The same two pages for ever end a walk by number too, though no two neighbours are alike."""
    client = _client(_answers(OK))

    def fetch(page: int) -> Batch:
        return Batch([{"id": page % 2, "asked": page}], more=True)

    with pytest.raises(ContractError, match="nothing new"):
        list(numbered(client, fetch, resource="things"))


@pytest.mark.parametrize(
    ("zone", "country"),
    [
        ("Australia/NSW", "AU"),
        ("Australia/Canberra", "AU"),
        ("NZ", "NZ"),
        ("Singapore", "SG"),
        ("US/Eastern", "US"),
        ("Europe/Belfast", "GB"),
        ("Asia/Kuala_Lumpur", "MY"),
        ("Europe/Amsterdam", "NL"),
        ("Australia/Sydney", "AU"),
        ("Iceland", None),
        ("CET", None),
        ("UTC", None),
        ("Nowhere/Land", None),
        (None, None),
    ],
)
def test_zone_under_any_of_its_names_gives_its_country(zone, country):
    """Older names and links are zones too; one that leads abroad says nothing."""
    assert country_of(zone) == country


def _changes(state) -> Changes:
    report = ScanReport("run", "acme", "t", "customers", "full", NOON, "scan")
    return Changes(Job(), report, CUSTOMERS, state)


def _rows(*names):
    return CUSTOMERS.rows(
        [{"id": "1", **dict.fromkeys(names, "x")}], ids=["1"], hashes=["h"], observed=[NOON],
        tenant_id="t", scan_id="s", scopes=[""], context={"currency": None, "country": None},
    )  # fmt: skip


def test_name_of_a_field_that_looks_like_none_is_not_told(caplog):
    """Invariant 14: a guest's address may be a key; the log and the state hold names only."""
    state: dict = {}
    with caplog.at_level(logging.WARNING):
        _changes(state).add_rows(_rows("nickname", "mara@example.com", "+61 400"), CUSTOMERS)
        _changes(state).add_rows(_rows("mara2@example.com"), CUSTOMERS)
    assert state["unknown_fields"] == ["(others)", "nickname"]
    assert "mara" not in caplog.text
    assert len(caplog.records) == 1


def test_names_told_once_for_good_are_not_collected_for_ever():
    """The state does not grow with a vendor that uses ids for keys."""
    state: dict = {}
    for start in range(0, 400, 50):
        names = [f"key_{number}" for number in range(start, start + 50)]
        _changes(state).add_rows(_rows(*names), CUSTOMERS)
    assert len(state["unknown_fields"]) == 100


def test_moment_of_the_earliest_stamp_is_the_epoch():
    """1970 is where stamps begin, to the second."""
    made, bad = column(Kind.TIMESTAMP, ["1970-01-01T00:00:00Z"])
    assert (made.to_pylist(), bad) == ([datetime(1970, 1, 1, tzinfo=UTC)], [])


def _responses():
    return [one for one in gc.get_objects() if type(one) is httpx.Response]


def test_answer_is_let_go_once_it_is_read():
    """Python looks for circles seldom in a run: pages that wait for it would fill the memory."""
    client = _client(_answers(OK))
    gc.collect()
    gc.disable()
    try:
        others = _responses()
        for _ in range(3):
            client.get(client.url("customers"), resource="customers")
        kept = [one for one in _responses() if all(one is not other for other in others)]
    finally:
        gc.enable()
    assert kept == []
