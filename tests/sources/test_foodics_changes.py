"""Foodics' customers change while they are read by one walk, or within one stamp."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sources.job import Window
from tests.conftest import NOON
from tests.sources.foodics import BY_NUMBER, DELETED, LIST, LIVING, Foodics, ago

BOTH = pytest.mark.parametrize("envelope", ["length_aware", "simple"])


@pytest.fixture(params=["exclusive", "inclusive"])
def bulk(request, tmp_path):
    """An account that was synced; then an import changed twenty-three at once, six pages."""
    foodics = Foodics(tmp_path, 30, page_size=4, updated_after=request.param)
    assert foodics.sync() == 0
    foodics.clock.advance(timedelta(minutes=30))
    for customer_id in foodics.ids[:23]:
        foodics.set(customer_id, name="Imported")
    foodics.clock.advance(timedelta(minutes=1))
    return foodics


def held(foodics):
    """Return the names of the customers there are, by id."""
    return dict(foodics.rows("select customer_id, full_name from core.customers"))


@BOTH
@pytest.mark.parametrize("nth", [2, 3, 6])
@pytest.mark.parametrize("act", ["touch", "delete", "both"])
def test_who_leaves_an_equal_stamp_pulls_nobody_out_of_sight(bulk, envelope, nth, act):
    """Within one stamp pages go by number; where anybody left them they are read again."""
    bulk.turn(envelope=envelope)
    first, second = bulk.oldest_first[-23:-21]

    def leave():
        bulk.clock.advance(timedelta(seconds=5))
        if act in ("touch", "both"):
            bulk.set(first, name="Touched")
        if act in ("delete", "both"):
            bulk.delete(second)

    bulk.before(LIVING, nth, leave)
    assert bulk.sync() == 0
    assert bulk.count(BY_NUMBER) == 0
    bulk.assert_true()


def test_quiet_equal_stamp_is_read_once(bulk):
    """One question makes sure that nobody left it."""
    assert bulk.sync() == 0
    plain = 23 // 4 + 1
    assert bulk.count(LIVING) <= plain + 2
    bulk.assert_true()


def test_equal_stamp_that_never_rests_is_read_some_times_and_left(bulk):
    """Before every question somebody leaves it, and all are there in the end."""
    leaving = iter(bulk.oldest_first[-23:])

    def leave():
        bulk.clock.advance(timedelta(seconds=2))
        if (one := next(leaving, None)) is not None:
            bulk.set(one, name="Touched")

    bulk.before(LIVING, None, leave)
    assert bulk.sync() == 0
    assert bulk.count(LIVING) < 50
    bulk.assert_true()


@BOTH
@pytest.mark.parametrize("nth", [3, 4, 5, 6, 8])
def test_who_leaves_an_equal_stamp_under_a_cap_hides_nobody(tmp_path, envelope, nth):
    """Who has left is not taken for one of those that the cap hides."""
    foodics = Foodics(tmp_path, 14, page_size=4, page_cap=3, envelope=envelope)
    foodics.turn(page_size=6)
    foodics.foodics.delete_tag(foodics.tenant, foodics.foodics.tag_ids(foodics.tenant)[0])
    foodics.stamp(foodics.ids, ago(days=3))
    foodics.turn(page_size=4)
    untouched = set(foodics.ids)

    def leave():
        foodics.clock.advance(timedelta(seconds=5))
        for each in foodics.oldest_first[:2]:
            foodics.set(each, name="Touched")
            untouched.discard(each)

    foodics.before(LIVING, nth, leave)
    code = foodics.sync()
    assert (code, untouched <= held(foodics).keys()) in {(0, True), (4, True), (4, False)}
    foodics.sim.clear()
    foodics.turn(page_cap=None)
    foodics.assert_settles()


def test_who_comes_to_have_the_last_stamp_is_not_hidden(tmp_path):
    """Where nobody counts, a full last page is followed as far as it goes."""
    foodics = Foodics(tmp_path, 16, page_size=4, envelope="simple")
    foodics.stamp(foodics.ids[:8], NOON)
    foodics.before(LIVING, 6, lambda: foodics.stamp(foodics.ids[8:15], NOON))
    assert foodics.sync() == 0
    assert held(foodics).keys() == set(foodics.ids)


@pytest.mark.parametrize("nth", [1, 2, 4, 5])
@pytest.mark.parametrize("act", ["touch", "touch_all", "delete", "create", "restore"])
def test_change_before_any_page_of_a_walk_loses_nobody(tmp_path, nth, act):
    """Who is touched moves ahead; who is deleted is in the other list; who comes comes last."""
    foodics = Foodics(tmp_path, 14, page_size=4)
    untouched = set(foodics.ids)

    def change():
        foodics.clock.advance(timedelta(seconds=1))
        some = foodics.oldest_first[:: 1 if act == "touch_all" else 5]
        untouched.difference_update(some)
        for each in some:
            if act.startswith("touch"):
                foodics.set(each, name="Touched")
            elif act == "delete":
                foodics.delete(each)
        if act == "create":
            foodics.create(name="New")
        if act == "restore":
            foodics.restore(*foodics.foodics.deleted_ids(foodics.tenant))

    foodics.before(LIST, nth, change)
    assert foodics.sync() == 0
    assert untouched <= held(foodics).keys()
    assert foodics.count(BY_NUMBER) == 0
    assert foodics.later() == 0
    foodics.assert_true()


def test_deletion_meanwhile_is_no_shortness(tmp_path):
    """The vendor counts fewer at the end than at the start, and is asked once what it counts."""
    foodics = Foodics(tmp_path, 30, page_size=4)
    foodics.sync()
    foodics.before(LIVING, 3, lambda: foodics.delete(*foodics.oldest_first[-3:]))
    assert foodics.later(full=True) == 0
    assert foodics.count(BY_NUMBER) == 0
    assert foodics.report().vendor_total == 27
    assert held(foodics).keys() == set(foodics.ids)


def test_who_is_deleted_while_the_deleted_are_read_is_found_by_the_next_sync(tmp_path):
    """It comes to stand in front of what was read."""
    foodics = Foodics(tmp_path, 60, page_size=4)
    foodics.delete(*foodics.ids[:20])
    foodics.sync()
    foodics.before(DELETED, 3, lambda: foodics.delete(foodics.ids[0]))
    assert foodics.later(full=True) == 0
    assert foodics.later() == 0
    foodics.assert_true()


@pytest.mark.parametrize("switches", [{"sort_ignored": True}, {"filter_ignored": True}], ids=str)
@pytest.mark.parametrize("nth", [1, 2, 3, 5])
def test_deletion_while_pages_are_read_by_number_loses_nobody(tmp_path, nth, switches):
    """Who is gone pulls the others forward; the total tells, and the walk steps back."""
    foodics = Foodics(tmp_path, 30, page_size=4, **switches)
    oldest = sorted(foodics.ids, key=lambda one: (foodics.of(one)["created_at"], one))
    foodics.before(BY_NUMBER, nth, lambda: foodics.delete(*oldest[:5]))
    assert foodics.sync() == 0
    assert held(foodics).keys() == set(foodics.ids)


def test_total_that_is_larger_than_what_is_shown_is_told(tmp_path):
    """Fewer were seen than are counted, though no page is cut: 75, and nobody is removed."""
    foodics = Foodics(tmp_path, 30, page_size=4)
    foodics.sync()
    foodics.erase(foodics.ids[0])
    foodics.sim.fault(LIST, times=None, body=lambda body: _counting(body, 5))
    assert foodics.later(full=True) == 75
    assert foodics.removed() == []
    assert not foodics.report().complete
    foodics.sim.clear()
    foodics.assert_settles()
    assert len(foodics.removed()) == 1


def _counting(body, more):
    """Count more customers than there are, the last page full by its own word."""
    import orjson

    told = orjson.loads(body)
    told["meta"]["total"] += more
    told["meta"]["per_page"] += 2 * more
    return orjson.dumps(told)


def test_window_of_the_past_is_read_and_nothing_else(tmp_path):
    """A backfill begins and ends where it should, and moves no watermark."""
    foodics = Foodics(tmp_path, 40, page_size=4)
    for number, customer_id in enumerate(foodics.ids):
        foodics.stamp([customer_id], ago(days=40 - number))
    foodics.sync()
    before = foodics.state["customers"]["tenants"][foodics.tenant]["watermark"]
    for number in (12, 14, 30):
        foodics.set(foodics.ids[number], name="Silent", _touch=False)
    window = Window(NOON - timedelta(days=30), NOON - timedelta(days=20))
    assert foodics.sync(window=window) == 0
    names = held(foodics)
    assert [names[foodics.ids[at]] == "Silent" for at in (12, 14, 30)] == [True, True, False]
    assert foodics.report().rows_changed == 2
    assert foodics.count(LIVING) <= 5
    assert foodics.state["customers"]["tenants"][foodics.tenant]["watermark"] == before
    foodics.assert_settles()
