"""Kounta's full records: what they hold, and what is done without one."""

from __future__ import annotations

import pytest

from simulator import MISSING
from sources.patience import IN_A_ROW
from tests.conftest import history
from tests.sources.kounta import COMPANY, DETAIL, Kounta, address_of


@pytest.fixture
def bench(tmp_path):
    """A company of forty customers on pages of ten."""
    return Kounta(tmp_path)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 403}, 0),
        ({"status": 500}, 75),
        ({"drop": True}, 75),
        ({"body": b"<html>"}, 4),
        ({"body": b'{"error":"no"}'}, 4),
        ({"body": lambda body: body.replace(b'"id":', b'"id":9', 1)}, 4),
        ({"status": 422}, 4),
    ],
    ids=["403", "500", "dropped", "html", "error", "another", "422"],
)
def test_record_that_does_not_come_is_its_customers_own_affair(bench, fault, code):
    """Known ones stand, a new one is as listed, all others are read; it is asked for again."""
    bench.sync()
    known, gone, other = bench.ids[20:23]
    new = bench.kounta.create_customer(
        COMPANY, first_name="New", tags=["Unseen"], phone="0255500001"
    )
    bench.set(known, last_name="Unseen")
    bench.set(other, last_name="Seen", tags=["Seen"])
    bench.delete(gone)
    for one in (known, new):
        bench.sim.fault(address_of(one), times=None, **fault)
    it = f"from core.customers where customer_id = '{known}'"
    before = bench.rows(it)
    assert bench.later() == code
    assert len(bench.job.errors) == (1 if code else 0)
    assert bench.rows(it) == before
    assert bench.rows(
        f"select first_name, phone, accepts_marketing from core.customers where customer_id='{new}'"
    ) == [("New", None, None)]
    assert "Unseen" not in {name for _, name, _ in bench.members()}
    assert (COMPANY, "Seen", other) in bench.members()
    assert (COMPANY, gone) not in bench.customers()
    bench.sim.clear()
    assert bench.later() == 0
    assert bench.count(DETAIL) == 2
    bench.assert_true()


def test_record_that_fails_in_its_turn_is_asked_for_by_the_next_run(bench):
    """A turn that was missed is not lost for a whole cycle; one that is refused waits for it."""
    bench.sync()
    failing, refused = bench.ids[4:6]
    for one in (failing, refused):
        bench.set(one, tags=["Late"])
    bench.sim.fault(address_of(failing), times=None, status=500)
    bench.sim.fault(address_of(refused), times=None, status=403)
    assert bench.later(full=True) == 75
    assert "1 full records could not be read" in str(bench.job.errors[0])
    bench.sim.clear()
    for asked in (1, 0):
        assert bench.later() == 0
        assert bench.count(DETAIL) == asked
    assert (COMPANY, "Late", failing) in bench.members()
    bench.later(full=True)
    bench.assert_true()


@pytest.mark.parametrize(("status", "code"), [(500, 75), (422, 4), (403, 3)])
def test_records_that_do_not_come_at_all_are_not_asked_for_one_by_one(bench, status, code):
    """So many in a row are the vendor's failure: little is asked, nothing is blanked or lost."""
    bench.sync()
    before = len(history(bench)["customer_history"])
    gone = bench.ids[0]
    bench.delete(gone)
    bench.sim.fault(DETAIL.replace("$", "") + rf"(?<!{gone})$", times=None, status=status)
    assert bench.later(full=True) == code
    assert len(bench.job.errors) == 1
    assert bench.count(DETAIL) <= 5 * (IN_A_ROW + 4)
    assert len(history(bench)["customer_history"]) == before
    assert ((COMPANY, gone) in bench.customers()) == (status != 403)
    bench.sim.clear()
    assert bench.later(full=True) == 0
    bench.assert_true()


def test_first_load_without_permission_for_records_is_no_success(bench):
    """Customers are there as listed, the run ends 3, and with the permission all is read."""
    bench.sim.fault(DETAIL, times=None, status=403)
    assert bench.sync() == 3
    assert len(bench.customers()) == 40
    assert bench.later() == 3
    assert bench.count(DETAIL) <= IN_A_ROW + 4
    bench.sim.clear()
    assert bench.later() == 0
    bench.assert_true()


def test_tags_that_are_not_told_remove_nobody_and_empty_ones_do(bench, caplog):
    """Cases 15, 32: absent tells nothing, nor does null; [] ends; a tag lives while one has it."""
    ids = bench.ids
    for one in ids[:3]:
        bench.set(one, tags=["Only these", "VIP"])
    bench.sync()
    before = bench.members()
    with caplog.at_level("INFO", logger="regulars.kounta"):
        for tags in (MISSING, None, [None, 5, "", {"a": 1}]):
            for one in ids[:2]:
                bench.set(one, tags=tags, last_name=f"{tags!r:.9}")
            bench.later()
            assert (bench.members() == before) == (tags is MISSING or tags is None)
    assert (
        "customer_tags: not every record names them; what is known of the others stays as it was"
        in caplog.text
    )
    bench.set(ids[2], tags=[])
    bench.later(full=True)
    named = "select valid_to is null from core.list_history where list_id = 'Only these' order by "
    assert bench.rows(named + "valid_from") == [(False,)]
    bench.set(ids[1], tags=["Only these"])
    bench.later(full=True)
    assert bench.rows(named + "valid_from") == [(False,), (True,)]


def test_addresses_come_move_and_go(bench):
    """A shared address, a removed one and a swapped one are told as they are now."""
    place = {"lines": ["Level 2", "1 Test St"], "city": "Perth", "zone": "WA", "country": "AU"}
    one, other = bench.ids[:2]

    def put(customer_id, which, address):
        bench.kounta.set_address(COMPANY, customer_id, f"{which}_address", address)

    put(one, "shipping", {"id": 1, **place})
    put(one, "primary", {"id": 2, **place})
    put(other, "shipping", {"id": 3, **place})
    bench.sync()
    bench.assert_true()
    put(one, "shipping", {"id": 2, **place})
    put(one, "primary", {"id": 1, **place, "city": "Broome"})
    put(other, "shipping", None)
    bench.later(full=True)
    bench.assert_true()
