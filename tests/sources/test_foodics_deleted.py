"""Customers deleted, restored and erased at Foodics, and when each is found."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sources.foodics import BY_NUMBER, DELETED, DETAIL, LIVING, Foodics

BOTH = pytest.mark.parametrize("envelope", ["length_aware", "simple"])
SHOWN = pytest.mark.parametrize("detail", ["gone", "shown"])


def many_deleted(tmp_path, deleted=25, **switches):
    """An account whose deleted fill three pages, deleted as they were last changed."""
    foodics = Foodics(tmp_path, 40 + deleted, **switches)
    foodics.turn(delete_touches=True)
    foodics.delete(*foodics.ids[:deleted])
    foodics.turn(**switches)
    foodics.clock.advance(timedelta(days=2))
    foodics.set(foodics.ids[0], name="The newest")
    assert foodics.sync() == 0
    return foodics


@BOTH
def test_complete_scan_needs_no_more_of_the_deleted_than_an_ordinary_one(tmp_path, envelope):
    """Who was deleted long ago is news to nobody: one page of three, at first and ever after."""
    foodics = Foodics(tmp_path, 70, envelope=envelope)
    for customer_id in foodics.ids[:30]:
        foodics.clock.advance(timedelta(minutes=1))
        foodics.delete(customer_id)
    for full in (False, True, False):
        foodics.clock.advance(timedelta(hours=1))
        foodics.set(foodics.ids[0], name=f"Later still, {foodics.clock.now()}")
        assert foodics.sync(full=full) == 0
        assert foodics.count(DELETED) == 1
        foodics.assert_true()


def test_who_is_deleted_while_a_first_scan_reads_on_is_not_shown_by_it(tmp_path):
    """Read as living, then deleted: the first page of the deleted has it."""
    foodics = Foodics(tmp_path)
    first = foodics.oldest_first[0]
    foodics.before(LIVING, 3, lambda: foodics.delete(first))
    assert foodics.sync() == 0
    assert foodics.removed() == [first]
    assert (foodics.tenant, first) not in foodics.customers()


def test_log_without_a_watermark_reads_all_the_deleted(tmp_path):
    """After a scan that was not complete, the vendor's own word for each of many is believed."""
    foodics = Foodics(tmp_path, 130)
    foodics.foodics.hide(foodics.tenant, foodics.ids[-1:])
    foodics.sim.fault(
        LIVING, times=None, body=lambda body: body.replace(b'"total":129', b'"total":130')
    )
    foodics.sim.fault(
        BY_NUMBER, times=None, body=lambda body: body.replace(b'"total":129', b'"total":130')
    )
    assert foodics.sync() in (4, 75)
    foodics.sim.clear()
    foodics.foodics.unhide(foodics.tenant)
    assert len(foodics.customers()) == 129
    foodics.delete(*foodics.ids[:70])
    foodics.clock.advance(timedelta(days=30))
    assert foodics.sync() == 0
    assert len(foodics.removed()) == 70
    foodics.assert_true()


@SHOWN
@BOTH
def test_deletion_that_moves_the_stamp_is_found_by_the_next_sync(tmp_path, envelope, detail):
    """The deleted are read newest first, one page of three."""
    foodics = many_deleted(tmp_path, envelope=envelope, deleted_detail=detail)
    gone = foodics.ids[7]
    foodics.delete(gone)
    assert foodics.later() == 0
    assert foodics.removed() == [gone]
    assert foodics.count(DELETED) == 1
    foodics.assert_true()


@SHOWN
def test_deletion_that_moves_no_stamp_is_found_by_the_number_of_deleted(tmp_path, detail):
    """It stands far behind in their order, but there is one more of them than there should be."""
    foodics = many_deleted(tmp_path, delete_touches=False, deleted_detail=detail)
    gone = foodics.oldest_first[0]
    foodics.delete(gone)
    assert foodics.later() == 0
    assert foodics.removed() == [gone]
    foodics.assert_true()
    assert foodics.later() == 0
    assert foodics.count(DELETED) == 1


def test_deletion_that_moves_no_stamp_is_found_where_no_number_is_told(tmp_path):
    """One that a page shows is enough to read all the deleted from then on."""
    foodics = many_deleted(tmp_path, delete_touches=False, envelope="simple")
    first, second = foodics.oldest_first[-1], foodics.oldest_first[0]
    foodics.delete(first)
    foodics.stamp([first], foodics.clock.now())
    foodics.set(first, deleted_at="2026-05-04 13:00:00", _touch=False)
    assert foodics.later() == 0
    foodics.delete(second)
    assert foodics.later() == 0
    assert foodics.removed() == [first, second]
    foodics.assert_true()


@SHOWN
@BOTH
@pytest.mark.parametrize("touches", [True, False])
def test_restore_is_found_by_the_next_sync_where_it_shows(tmp_path, envelope, detail, touches):
    """By its stamp, else by the number of deleted; else the next complete scan finds it."""
    foodics = Foodics(tmp_path, restore_touches=touches, envelope=envelope, deleted_detail=detail)
    foodics.sync()
    back = foodics.ids[7]
    foodics.delete(back)
    foodics.later()
    foodics.restore(back)
    assert foodics.later() == 0
    foodics.assert_true()
    spans = foodics.rows(
        f"select valid_to is null from core.customer_history where customer_id = '{back}' order by valid_from"  # noqa: E501
    )
    assert spans == [(False,), (True,)]


def test_restore_where_nothing_shows_it_is_found_by_the_complete_scan(tmp_path):
    """No stamp moves and the deleted of several pages have no total."""
    foodics = many_deleted(tmp_path, restore_touches=False, envelope="simple")
    back = foodics.foodics.deleted_ids(foodics.tenant)[5]
    foodics.restore(back)
    assert foodics.later() == 0
    assert (foodics.tenant, back) not in foodics.customers()
    foodics.assert_settles()


def test_erasure_of_a_deleted_customer_is_asked_about_once(tmp_path):
    """Fewer deleted may mean a restore; who is gone for good is not asked for again."""
    foodics = Foodics(tmp_path)
    gone = foodics.ids[:3]
    foodics.sync()
    foodics.delete(*gone)
    foodics.later()
    foodics.erase(gone[0])
    assert foodics.later() == 0
    assert foodics.count(DETAIL) == 1
    foodics.erase(gone[1])
    assert foodics.later() == 0
    assert foodics.count(DETAIL) == 1
    assert foodics.later() == 0
    assert (foodics.count(DETAIL), foodics.count(DELETED)) == (0, 1)
    foodics.assert_true()


def test_purge_of_many_deleted_customers_asks_for_nobody(tmp_path):
    """A vendor that forgets its deleted at once is not asked for each of them."""
    foodics = many_deleted(tmp_path, deleted=110)
    foodics.restore(*foodics.foodics.deleted_ids(foodics.tenant))
    foodics.later()
    foodics.delete(*foodics.ids[:105])
    foodics.later()
    before = foodics.snapshot()[0]
    foodics.erase(*foodics.foodics.deleted_ids(foodics.tenant))
    assert foodics.later() == 0
    assert (foodics.count(DETAIL), foodics.count(DELETED)) == (0, 1)
    assert foodics.snapshot()[0] == before
    foodics.assert_true()


def test_deletion_and_restore_of_one_customer_in_one_interval_leave_no_trace(tmp_path):
    """What was true at no sync is no history."""
    foodics = Foodics(tmp_path, restore_touches=False, delete_touches=False)
    foodics.sync()
    before = foodics.snapshot()[0]
    one = foodics.ids[7]
    foodics.delete(one)
    foodics.restore(one)
    assert foodics.later() == 0
    assert foodics.snapshot()[0] == before


def test_customer_created_and_deleted_in_one_interval_never_was(tmp_path):
    """A deleted customer nobody knew of is no removal."""
    foodics = Foodics(tmp_path)
    foodics.sync()
    foodics.delete(foodics.create(name="Short-lived"))
    assert foodics.later() == 0
    assert foodics.removed() == []
    foodics.assert_true()


@pytest.mark.parametrize("pool", ["living", "all"])
def test_deleted_customer_takes_tags_and_addresses_along(tmp_path, pool):
    """And a restored one brings them back."""
    foodics = Foodics(tmp_path, default_list=pool)
    foodics.sync()
    one = next(each for each in foodics.ids if foodics.of(each)["tags"])
    for act in (foodics.delete, foodics.restore):
        act(one)
        assert foodics.later() == 0
        foodics.assert_true()


def test_deletions_are_believed_however_many(tmp_path):
    """The vendor's own word for it is no absence, and needs nobody's leave."""
    foodics = Foodics(tmp_path, 130)
    foodics.sync()
    foodics.delete(*foodics.ids[:100])
    assert foodics.later() == 0
    foodics.assert_true()
    assert len(foodics.removed()) == 100
