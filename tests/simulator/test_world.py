"""The pretended people: the same for a seed, with real gaps, and nobody's."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

import orjson
import pytest

from simulator import Simulator, VirtualClock
from simulator.people import DOMAINS
from tests.simulator.helpers import NOON, pretend

_PHONE = re.compile(
    r"\+61491(570006|57015[6-9]|570737|571266|571491|571804|572549|572665|572983|573770|573087"
    r"|574118|574632|575254|575789|576398|576801|577426|577644|578957|578148|578888|579212"
    r"|579760|579455)|\+612(5550|7010)\d{4}|\+447700900\d{3}|\+442079460\d{3}|\+120255501\d\d"
)
_RESERVED = re.compile(r"(.+\.)?(example\.(com|org|net)|test|example|invalid)")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture(scope="module")
def records():
    """Four thousand customers."""
    return list(pretend(customers=4000).loke.truth().customers.values())


def test_same_seed_same_world():
    """Seed and clock decide everything; another seed is another world."""
    assert pretend().loke.truth() == pretend().loke.truth()
    assert pretend().loke.truth() != pretend(seed=8).loke.truth()


def test_only_reserved_domains_and_numbers(records):
    """Nobody can be written to or rung by accident."""
    assert all(_RESERVED.fullmatch(domain) for domain in DOMAINS)
    emails = [one["email"].strip().lower() for one in records if "email" in one]
    assert all(_RESERVED.fullmatch(email.rpartition("@")[2]) for email in emails)
    assert all(email.isascii() and " " not in email for email in emails)
    phones = [one["phoneNumber"] for one in records if "phoneNumber" in one]
    odd = [one for one in phones if not _PHONE.fullmatch(one)]
    assert set(odd) <= {"n/a", "0491 570 156", "(02) 5550 0123", "07700 900123", "-", "+61"}
    assert 0.01 < len(odd) / len(phones) < 0.04


def test_gaps_are_as_real_ones(records):
    """Shares of what is missing, each within a few points."""

    def share(test):
        return sum(map(test, records)) / len(records)

    consent = Counter(one.get("hasAgreedToMarketing") for one in records)
    wanted = {
        "phoneNumber": 0.10, "email": 0.08, "statistics": 0.05, "dob": 0.40, "updatedAt": 0.01,
        "createdAt": 0.01,
    }  # fmt: skip
    for name, missing in wanted.items():
        assert abs(share(lambda one, name=name: name not in one) - missing) < 0.03, name
    for value, part in ((True, 0.45), (False, 0.35), (None, 0.20)):
        assert abs(consent[value] / len(records) - part) < 0.04
    assert {one.get("gender") for one in records} == {"MALE", "FEMALE", "OTHER", None}
    assert any(one.get("email", "").startswith(" ") for one in records)
    redeemed = [one["statistics"].get("lastPointsRedeemedAt", 0) for one in records if "statistics" in one]  # fmt: skip  # noqa: E501
    assert {type(value) for value in redeemed} == {str, int, type(None)}


def test_names_are_of_many_scripts(records):
    """Latin, Greek, Cyrillic, Arabic, Han, Devanagari; one letter, apostrophes, very long."""
    names = " ".join({one["firstName"] + " " + one["lastName"] for one in records})
    for sample in ("Αθηνά", "Шевченко", "ليلى", "王", "शर्मा", "Tāne", "Đặng", "O'Brien", "X U"):
        assert sample in names
    assert max(map(len, names.split())) > 30


def test_stamps_and_ids_agree(records):
    """Whole seconds, nothing after the start, few recent, ULIDs that tell the creation."""
    recent = 0
    for one in (one for one in records if "createdAt" in one):
        created, updated = (datetime.fromisoformat(one[key]) for key in ("createdAt", "updatedAt"))
        assert created <= updated <= NOON
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["updatedAt"])
        milliseconds = 0
        for letter in one["id"][:10]:
            milliseconds = milliseconds * 32 + _CROCKFORD.index(letter)
        assert milliseconds // 1000 == int(created.timestamp())
        recent += (NOON - updated).days < 7
    assert recent / len(records) < 0.05
    stats = [one["statistics"]["lastSpentAt"] for one in records if "statistics" in one]
    assert all(re.fullmatch(r".{19}\.\d{3}Z", one) for one in stats)


def test_records_are_kept_as_json(records):
    """What is written by hand for speed is JSON all the same."""
    for raw in pretend(customers=300).loke.world.values():
        for customer_id, body in raw.customers.items():
            assert orjson.loads(body)["id"] == customer_id
            assert len(body) > 60


def test_organizations_and_lists():
    """Three tenants, the last without customers and currency; lists with all kinds of names."""
    loke = pretend(customers=1000).loke
    sizes = [len(loke.customer_ids(org)) for org in loke.organizations]
    assert sizes == [700, 300, 0]
    assert [len(loke.list_ids(org)) for org in loke.organizations] == [8, 3, 0]
    truth = loke.truth()
    assert [one.get("currency") for one in truth.organizations.values()] == ["AUD", "GBP", None]
    names = " ".join(one["name"] for one in truth.lists.values())
    assert all(sign in names for sign in ("⭐", ",", "'", "أ"))
    counts = [one["memberCount"] for one in truth.lists.values()]
    assert min(counts) == 0
    assert max(counts) == 280
    assert {entry.ours for entry in loke.world[loke.organizations[0]].lists.values()} == {True, False}  # fmt: skip  # noqa: E501


def test_world_of_a_benchmark():
    """One organisation, so many lists, so many members on each."""
    sim = Simulator(
        customers=500, clock=VirtualClock(NOON), organizations=1, lists=12, members_per_list=40
    )
    (org,) = sim.loke.organizations
    assert len(sim.loke.customer_ids(org)) == 500
    assert [len(sim.loke.member_ids(org, one)) for one in sim.loke.list_ids(org)] == [40] * 12
    added = [stamp for members in sim.loke.truth().members.values() for stamp in members.values()]
    assert max(added) <= "2026-05-02T12:00:00Z"
