"""Kounta's credential: Basic, tokens that end, refresh tokens that are replaced by their use."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import httpx
import pytest

from simulator import VirtualClock
from sources.rotating import RefreshToken
from sources.throttle import Timing
from tests.conftest import MINUTE, NOON
from tests.sources.kounta import COMPANY, DETAIL, LIST, OWN, TOKEN, Kounta


@pytest.fixture
def bench(tmp_path):
    """A company of twenty customers on pages of ten."""
    return Kounta(tmp_path, customers=20)


def _vault(bench):
    return bench.folder / "credentials" / "kounta-default.json"


def _kept(bench):
    return json.loads(_vault(bench).read_text())["refresh_token"]


def test_basic_needs_no_token_and_keeps_none(bench):
    """Without a refresh token id and secret let in; where they do not, the run ends 3."""
    assert bench.sync(refresh_token=None) == 0
    bench.assert_true()
    assert bench.count(TOKEN) == 0
    assert not _vault(bench).exists()
    before = bench.snapshot()
    bench.turn(basic_allowed=False)
    assert bench.later(refresh_token=None) == 3
    assert bench.snapshot() == before


def test_successor_is_kept_before_anything_is_asked_with_what_came_beside_it(bench):
    """Case 56: killed at the first request after a refresh, nobody is locked out; 0600, no more."""
    kept = []
    bench.sim.before(f"{OWN}|{LIST}", None, lambda: kept.append(_kept(bench)))
    assert bench.sync() == 0
    assert set(kept) == {bench.kounta.refresh_token(COMPANY)} != {bench.first_refresh_token}
    assert _vault(bench).stat().st_mode & 0o777 == 0o600
    assert json.loads(_vault(bench).read_text()).keys() == {"origin", "refresh_token"}
    assert bench.first_refresh_token not in _vault(bench).read_text()
    assert {path.suffix for path in _vault(bench).parent.iterdir()} <= {".json", ".lock"}
    assert bench.later() == 0
    assert bench.count(TOKEN) == 1


def test_what_a_crash_left_half_written_is_no_hindrance(bench):
    """The kept token is replaced whole or not at all."""
    bench.sync()
    _vault(bench).with_name("kounta-default.json.new").write_text('{"orig')
    assert bench.later() == 0
    assert bench.later() == 0


def test_kept_token_that_cannot_be_read_is_told(bench):
    """A broken file is not passed over for a first token that is long dead."""
    bench.sync()
    _vault(bench).write_text('{"orig')
    assert bench.later() == 3
    assert "the stored refresh token cannot be read" in str(bench.job.errors[0])
    assert bench.count(TOKEN) == 0


def test_place_that_cannot_keep_a_successor_costs_no_token(bench):
    """A refresh token is not spent where what replaces it would be lost; the folder is named."""
    (bench.folder / "credentials").write_text("no folder")
    assert bench.sync() == 2
    assert "credentials cannot be written" in str(bench.job.errors[0])
    assert len(bench.sim.requests) == 0


@pytest.mark.parametrize("refresh_status", [400, 401])
def test_dead_refresh_token_changes_nothing_and_a_new_one_starts_anew(bench, refresh_status):
    """Revoked at the vendor: exit 3; another one configured is used though one is kept."""
    bench.turn(refresh_status=refresh_status)
    bench.sync()
    before = bench.snapshot()
    form = {"grant_type": "authorization_code", "code": bench.kounta.authorization_code(COMPANY)}
    client = bench.kounta.client_id(COMPANY), bench.kounta.client_secret(COMPANY)
    with httpx.Client(transport=bench.sim.transport()) as owner:
        granted = owner.post(bench.kounta.token_url, data=form, auth=client).json()
    assert bench.later() == 3
    assert "renew it under sources.kounta" in str(bench.job.errors[0])
    assert bench.snapshot() == before
    bench.first_refresh_token = granted["refresh_token"]
    for _ in range(2):
        assert bench.later() == 0
        assert _kept(bench) == bench.kounta.refresh_token(COMPANY)


@pytest.mark.parametrize("refresh_status", [400, 401])
def test_kept_token_from_an_old_copy_gives_way_to_the_configured_one(bench, refresh_status):
    """Where the first token still lives, a restored folder locks nobody out."""
    bench.turn(old_refresh="lives", refresh_status=refresh_status)
    bench.sync()
    held = json.loads(_vault(bench).read_text())
    _vault(bench).write_text(json.dumps(held | {"refresh_token": "of an old copy"}))
    assert bench.later() == 0
    assert bench.count(TOKEN) == 2
    assert _kept(bench) == bench.kounta.refresh_token(COMPANY)


def test_token_that_does_not_rotate_is_used_again(bench):
    """No successor, nothing to keep."""
    bench.turn(rotate=False)
    for _ in range(2):
        assert bench.later() == 0
        assert bench.count(TOKEN) == 1
    assert not _vault(bench).exists()


def test_token_is_renewed_before_it_ends(bench):
    """A run longer than a token's life meets no refusal, and refreshes no more than it must."""
    bench.turn(token_seconds=30)
    assert bench.sync(requests_per_minute=30) == 0
    bench.assert_true()
    took = (bench.clock.now() - NOON).total_seconds()
    assert 44 <= took <= 48
    assert bench.count(TOKEN) == 2
    assert {seen.status for seen in bench.sim.requests} == {200}


@pytest.mark.parametrize("expired_status", [401, 400])
def test_token_that_ends_early_is_renewed_once_whoever_meets_it(bench, expired_status, caplog):
    """Case 55: as 401 or as 400 with a text, under four workers; and no secret is ever said."""
    bench.turn(expired_status=expired_status)
    bench.sim.before(DETAIL, 9, bench.kounta.tokens.revoke)
    bench.sim.before(LIST, 1, bench.kounta.tokens.revoke)
    with caplog.at_level("DEBUG"):
        assert bench.sync() == 0
    bench.assert_true()
    assert bench.count(TOKEN) == 3
    refused = [seen for seen in bench.sim.requests if seen.status == expired_status]
    assert 2 <= len(refused) <= 8
    tokens = bench.kounta.tokens
    secrets = [*tokens._access, *tokens._refresh, bench.kounta.client_secret(COMPANY)]  # noqa: SLF001
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_token_that_ends_while_a_throttle_is_waited_out_is_renewed_after_it(bench):
    """Case 55: every try is signed when its wait is over."""
    bench.turn(token_seconds=60)
    bench.sim.fault(LIST, nth=2, status=429, headers={"retry-after": "90"})
    assert bench.sync() == 0
    assert [seen.status for seen in bench.sim.requests if seen.status != 200] == [429]
    assert bench.count(TOKEN) == 2
    bench.assert_true()


class _Vendor:
    """Issues tokens that live an hour; whoever refreshes with another than the newest is told."""

    def __init__(self):
        self.newest, self.asked = "first", 0

    def send(self, request):
        self.asked += 1
        assert f"refresh_token={self.newest}" in request.content.decode()
        self.newest = f"successor-{self.asked}"
        body = {"access_token": f"a{self.asked}", "refresh_token": self.newest, "expires_in": 3600}
        return httpx.Response(200, json=body)


def _credential(vendor, folder, clock, send=None):
    vault, timing = folder / "kounta.json", Timing(clock.now, clock.sleep)
    return RefreshToken(
        "http://vendors.test/token", "id", "secret", "first", vault, timing, send or vendor.send
    )


def test_one_refusal_met_by_many_costs_one_refresh(tmp_path):
    """Case 56: who meets the refusal of a token that was replaced takes the one there is."""
    vendor, clock = _Vendor(), VirtualClock(NOON)
    credential = _credential(vendor, tmp_path, clock)
    old = credential.header()
    for _ in range(4):
        assert credential.renew(old)
        assert credential.header() == "Bearer a2"
    clock.advance(timedelta(minutes=47))
    assert credential.header() == "Bearer a2"
    clock.advance(MINUTE)
    assert credential.header() == "Bearer a3"


def test_two_processes_refresh_one_after_another(tmp_path):
    """Case 56: `check` beside `sync`: the second waits, then uses what the first has kept."""
    vendor, clock = _Vendor(), VirtualClock(NOON)
    headers = []
    other = _credential(vendor, tmp_path, clock)
    beside = threading.Thread(target=lambda: headers.append(other.header()))

    def send(request):
        beside.start()
        beside.join(0.06)
        assert beside.is_alive()
        return vendor.send(request)

    headers.append(_credential(vendor, tmp_path, clock, send).header())
    beside.join(10)
    assert sorted(headers) == ["Bearer a1", "Bearer a2"]
    assert vendor.newest == "successor-2"
