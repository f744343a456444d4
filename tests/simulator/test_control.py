"""The control interface, for a simulator in another process."""

from __future__ import annotations

import httpx
import pytest

from tests.simulator.helpers import NOON, Reader, customers, pretend


@pytest.fixture
def sim():
    """A small world."""
    return pretend()


@pytest.fixture
def control(sim):
    """A client of its control interface."""
    with httpx.Client(transport=sim.transport(), base_url="http://x/_control/") as client:
        yield client


def test_describe_is_enough_to_sign_in(sim, control):
    """Addresses, client and organisations with their sizes."""
    told = control.get("describe").json()["loke"]
    assert told["base_url"] == sim.loke.base_url
    assert told["client_secret"] == sim.loke.client_secret
    assert list(told["organizations"]) == sim.loke.organizations
    assert told["customers"] == 60


def test_truth_is_told_by_organization(sim, control):
    """The truth in JSON, organisations a level of their own."""
    told, truth = control.get("truth").json()["loke"], sim.loke.truth()
    for (org, customer_id), record in truth.customers.items():
        assert told["customers"][org][customer_id] == record
    assert sum(map(len, told["customers"].values())) == len(truth.customers)
    assert sum(map(len, told["members"].values())) == len(truth.members)


def test_world_is_changed_from_outside(sim, control):
    """Create, change, take keys away, touch, delete."""
    org = sim.loke.organizations[0]
    path = f"loke/organizations/{org}/customers"
    made = control.post(path, json={"firstName": "Wren", "email": "w@example.com"}).json()["id"]
    control.patch(f"{path}/{made}", json={"lastName": "Moss", "_missing": ["email"]})
    control.patch(f"{path}/{made}/statistics", json={"pointsBalance": 3})
    record = sim.loke.customer(org, made)
    assert (record["firstName"], record["lastName"]) == ("Wren", "Moss")
    assert "email" not in record
    assert record["statistics"] == {"pointsBalance": 3}
    assert control.post(f"{path}/touch", json={"count": 5}).json() == {"touched": 5}
    assert control.delete(f"{path}/{made}").status_code == 200
    assert made not in sim.loke.customer_ids(org)


def test_members_move_in_every_list(sim, control):
    """So many leave each list, oldest first, and as many others join; sizes stay."""
    org = sim.loke.organizations[0]
    before = {one: sim.loke.member_ids(org, one) for one in sim.loke.list_ids(org)}
    moved = control.post(f"loke/organizations/{org}/lists/rotate", json={"count": 1}).json()
    changed = 0
    for list_id, old in before.items():
        new = sim.loke.member_ids(org, list_id)
        changed += len(set(old) ^ set(new))
        assert not old or old[0] not in new
        assert len(new) == len(old)
    assert moved == {"moved": changed}
    assert changed > 4


def test_clock_switches_faults_and_counters(sim, control):
    """Everything a benchmark needs to set up and to measure."""
    moved = control.post("clock", json={"advance_seconds": 60}).json()["now"]
    assert moved == "2026-05-02T12:01:00+00:00"
    assert sim.clock.now() > NOON
    assert control.patch("loke/switches", json={"page_size": 7}).json()["page_size"] == 7
    reader = Reader(sim)
    assert len(reader.get(customers(sim)).json()) == 7
    control.post("faults", json={"pattern": "organizations$", "status": 500})
    assert reader.get("/organizations").status_code == 500
    control.post("faults", json={"pattern": ".", "times": None, "status": 500})
    control.delete("faults")
    assert reader.get("/organizations").status_code == 200
    assert control.post("render").status_code == 200
    told = control.get("requests").json()
    assert (told["total"], told["max_in_flight"]) == (4, 1)
    assert told["kinds"]["GET /loke/organizations/{id}/customers"] == 1
    control.post("requests/reset")
    assert control.get("requests").json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "nothing", {}),
        ("PATCH", "loke/switches", {"colour": "red"}),
        ("DELETE", "loke/organizations/X/customers/Y", {}),
        ("POST", "clock", {}),
        ("POST", "collins/x", {}),
        ("POST", "faults", {"pattern": "("}),
        ("POST", "faults", {"pattern": "x", "colour": "red"}),
    ],
)
def test_what_cannot_be_done_is_told(control, method, path, body):
    """A mistake is 400 and a sentence, never a crash."""
    answer = control.request(method, path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
