"""Pages of LOKE that move, lie, come twice or not at all, and what is made of them."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from simulator.clock import stamp
from sources.job import Window
from tests.conftest import MINUTE, NOON
from tests.sources.loke import LIST, ONE, Loke

pytestmark = pytest.mark.light


@pytest.fixture
def bench(tmp_path):
    """An organisation of forty customers on pages of ten."""
    return Loke(tmp_path)


def _as_created(bench):
    """Let nobody have changed since they were created, a day after one another."""
    for age, each in enumerate(sorted(bench.ids, reverse=True), 1):
        at = stamp(NOON - timedelta(days=age))
        bench.set(each, createdAt=at, updatedAt=at)


@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_updates_between_pages_push_nobody_past_a_complete_scan(bench, direction):
    """Case 17: whoever is updated moves under `sort=updated`; the head of page 4 is not missed."""
    bench.turn(direction=direction, cursor="offset")
    newest = sorted(bench.ids, reverse=True)
    bench.before(LIST, 4, lambda: bench.stamp(newest[2:5] + newest[-3:], NOON + MINUTE))
    assert bench.sync() == 0
    assert len(bench.customers()) == 40
    assert bench.later() == 0
    bench.assert_true()
    assert len(bench.ops()) == 43


@pytest.mark.parametrize("page_size", [3, 10])
@pytest.mark.parametrize("changed", [2, 25])
def test_next_address_that_forgets_what_was_asked_loses_nobody(bench, page_size, changed):
    """Case 22: where it drops the order, what comes in another order is not taken for the end."""
    bench.turn(page_size=page_size, next_page_fault="lost_query")
    _as_created(bench)
    bench.sync()
    bench.clock.advance(timedelta(hours=1))
    bench.stamp(sorted(bench.ids)[:changed], bench.clock.now())
    assert bench.later() == 0
    bench.assert_true()


def test_backfill_that_has_to_read_everything_goes_on_with_that(bench):
    """Case 58: resumed where it read in another order, it takes no old page for its end."""
    bench.keeps = True
    _as_created(bench)
    bench.sync()
    bench.turn(direction="ascending")
    oldest = min(bench.ids)
    bench.loke.update_statistics(bench.org, oldest, pointsBalance=77)
    bench.stamp([oldest], NOON)
    window = Window(NOON - timedelta(hours=1), None)
    bench.sim.fault(LIST, nth=4, times=5, status=500)
    assert bench.sync(window=window, pages=1) == 75
    assert bench.later(window=window, pages=1) == 0
    assert bench.count(LIST) == 2
    bench.assert_true()


def test_scan_that_fails_on_a_page_removes_nobody_nor_does_its_end(bench):
    """Case 31: gone on with from page 4 of 4, what the first three showed counts as seen."""
    bench.keeps = True
    bench.sync()
    bench.sim.fault(LIST, nth=4, times=5, status=500)
    assert bench.sync(full=True, pages=1) == 75
    assert bench.removed() == []
    assert bench.later(pages=1) == 0
    assert (bench.count(LIST), bench.count(ONE)) == (1, 0)
    assert bench.removed() == []
    bench.assert_true()


@pytest.mark.parametrize("pages", [1, 200], ids=["parts", "at once"])
def test_of_a_customer_who_comes_twice_the_later_one_stands(bench, pages):
    """Case 47: on pages 2 and 4, and twice on one page, with another content each time."""
    bench.sync()
    twice = sorted(bench.ids, reverse=True)[10]
    bench.set(twice, lastName="Page two")

    def again(name):
        record = bench.loke.customer(bench.org, twice) | {"lastName": name}
        return lambda body: body[:-1] + b"," + orjson.dumps(record) + b"]"

    bench.sim.fault(LIST, nth=2, body=again("Page two, later"))
    bench.sim.fault(LIST, nth=4, body=again("Page four"))
    assert bench.sync(full=True, pages=pages) == 0
    bench.loke.update_customer(bench.org, twice, _touch=False, lastName="Page four")
    bench.assert_true()
    assert bench.removed() == []


def test_no_customers_at_all_are_believed_only_where_each_says_so(bench):
    """Case 48: an empty complete list empties the account, one that lies or fails does not."""
    bench.sync()
    before = bench.customers()
    bench.sim.fault(LIST, nth=1, body=b"[]", headers={"x-next-page": None})
    assert bench.later(full=True) == 0
    bench.sim.fault(LIST, nth=1, times=5, status=500)
    assert bench.later(full=True) == 75
    assert bench.customers() == before
    assert bench.removed() == []
    bench.delete(*bench.ids)
    assert bench.later(full=True) == 0
    assert bench.customers() == set()


@pytest.mark.parametrize("members", [1, 70])
def test_list_that_becomes_empty_ends_all_its_memberships(tmp_path, members):
    """Case 32: one member or more than the guard believes, since the list itself counts none."""
    bench = Loke(tmp_path, customers=80)
    chosen = bench.loke.create_list(bench.org, "Emptied", bench.ids[:members])
    bench.sync()
    bench.loke.set_members(bench.org, chosen, [])
    assert bench.later() == 0
    bench.assert_true()


def test_customer_is_on_as_many_lists_as_there_are(bench):
    """Case 30: one customer on four lists is four memberships, and leaving one leaves three."""
    one, lists = bench.ids[0], [bench.loke.create_list(bench.org, f"List {n}") for n in range(4)]
    for each in lists:
        bench.loke.add_member(bench.org, each, one)
    bench.sync()
    assert {key[1] for key in bench.members() if key[2] == one} >= {*lists}
    bench.loke.remove_member(bench.org, lists[2], one)
    assert bench.later() == 0
    assert {key[1] for key in bench.members() if key[2] == one} & {*lists} == {*lists} - {lists[2]}
    bench.assert_true()
