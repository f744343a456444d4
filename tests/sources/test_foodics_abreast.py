"""Foodics read in several walks abreast: nobody is lost, whatever changes meanwhile."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest

from tests.conftest import NOON
from tests.sources.foodics import BY_NUMBER, LIST, LIVING, Foodics, ago

LARGE = {"customers": 660, "page_size": 4}


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"updated_after": "inclusive", "next_link": "full"},
        {"page_cap": 3, "ties": "shuffled"},
        {"default_list": "all", "id_form": "short"},
    ],
    ids=str,
)
def test_large_account_is_read_by_eight_walks_and_hardly_more_requests(tmp_path, switches):
    """Walks abreast ask for a page each where they meet, and a few questions to find where."""
    foodics = Foodics(tmp_path, **LARGE, **switches)
    foodics.sim.fault(LIST, times=None, delay=0.002)
    assert foodics.sync() == 0
    foodics.assert_true()
    assert foodics.sim.max_in_flight > 4
    assert foodics.count(BY_NUMBER) == 0
    assert foodics.report().requests == foodics.count(LIST)
    asked = foodics.count(LIVING)
    foodics.turn(date_header=False)
    foodics.sim.clear()
    assert foodics.later(full=True) == 0
    assert foodics.sim.max_in_flight == 1
    assert asked <= foodics.count(LIVING) + 7 + 17


@pytest.mark.parametrize(("per_minute", "most"), [(90, 3), (20, 1)])
def test_no_more_walks_than_the_pace_lets_out(tmp_path, per_minute, most):
    """Under our own cap eight walks would wait for one another."""
    foodics = Foodics(tmp_path, 250, page_size=4)
    foodics.sim.fault(LIST, times=None, delay=0.001)
    assert foodics.sync(requests_per_minute=per_minute) == 0
    assert foodics.sim.max_in_flight <= most
    asked = foodics.clock.now() - NOON
    assert asked.total_seconds() >= (foodics.count("GET") - 1) * 60 / per_minute - 1
    foodics.assert_true()


@pytest.mark.parametrize("envelope", ["simple", "length_aware"])
def test_small_account_is_read_by_one_walk(tmp_path, envelope):
    """Walks abreast are for forty pages and more, and where somebody tells how many there are."""
    foodics = Foodics(
        tmp_path, 400 if envelope == "simple" else 120, page_size=4, envelope=envelope
    )
    foodics.sim.fault(LIST, times=None, delay=0.001)
    assert foodics.sync() == 0
    assert foodics.sim.max_in_flight == 1
    foodics.assert_true()


@pytest.mark.parametrize("switches", [{"filter_ignored": True}, {"sort_ignored": True}], ids=str)
def test_vendor_that_does_not_obey_is_read_by_number(tmp_path, switches):
    """No stretch is cut where the questions for it are not answered as asked."""
    foodics = Foodics(tmp_path, 200, page_size=4, **switches)
    assert foodics.sync() == 0
    foodics.assert_true()
    assert foodics.count(BY_NUMBER) == 50


def test_most_of_an_account_within_one_second_and_nobody_twice(tmp_path):
    """A bulk import cannot be cut, and is not; who has no stamp stands in the first stretch."""
    foodics = Foodics(tmp_path, **LARGE)
    foodics.stamp(foodics.ids[:300], ago(days=100))
    for customer_id in foodics.ids[300:309]:
        foodics.set(customer_id, updated_at=None)
    assert foodics.sync() == 0
    foodics.assert_true()
    assert foodics.report().rows_changed == 660
    assert foodics.report().vendor_total == 660


def test_account_that_changed_a_minute_ago_is_read_all_the_same(tmp_path):
    """What may still be changing is left to the last walk, be it everything."""
    foodics = Foodics(tmp_path, 200, page_size=4)
    for second, customer_id in enumerate(foodics.ids):
        foodics.stamp([customer_id], ago(seconds=second))
    assert foodics.sync() == 0
    foodics.assert_true()


class Restless:
    """Changes customers while pages are read: now and then, one or several, by its own dice."""

    def __init__(self, foodics, seed, often=0.3):
        self.foodics, self.dice, self.often = foodics, random.Random(seed), often
        self.touched, self.acts = set(), 0
        foodics.before(LIST, None, self.act)

    def act(self):
        """Maybe change something, the clock moving on or not."""
        if self.dice.random() > self.often:
            return
        self.acts += 1
        foodics, ids = self.foodics, self.foodics.ids
        foodics.clock.advance(timedelta(seconds=self.dice.choice([0, 0, 1, 2])))
        what = self.dice.choice(["update"] * 4 + ["create", "delete", "restore"])
        some = self.dice.sample(ids, self.dice.choice([1, 1, 6]))
        if what == "create":
            some = [foodics.create(name="Meanwhile")]
        elif what == "delete":
            foodics.delete(*some)
        elif what == "restore":
            some = foodics.foodics.deleted_ids(foodics.tenant)[:1]
            foodics.restore(*some)
        else:
            for each in some:
                foodics.set(each, name=f"Touched {self.acts}")
        self.touched.update(some)

    def rest(self):
        """Change nothing any more."""
        self.foodics.sim.clear()


@pytest.mark.parametrize("seed", range(6))
def test_nobody_is_lost_while_customers_change(tmp_path, seed):
    """Who is not touched is read, who is, is read by this scan or by the next ordinary one."""
    switches = [
        {}, {"updated_after": "inclusive"}, {"default_list": "all"}, {"page_cap": 6},
        {"ties": "shuffled"}, {"delete_touches": False},
    ][seed]  # fmt: skip
    foodics = Foodics(tmp_path, 320, page_size=4, **switches)
    if seed % 2:
        foodics.stamp(foodics.ids[:7], ago(days=200))
    restless = Restless(foodics, seed)
    foodics.sim.fault(LIST, times=None, delay=0.001)
    assert foodics.sync(pages=20) == 0
    restless.rest()
    assert restless.acts > 10
    assert foodics.count(BY_NUMBER) == 0
    there = {one for _, one in foodics.customers()}
    assert set(foodics.ids) - restless.touched <= there
    assert not set(foodics.removed()) & set(foodics.ids) - restless.touched
    assert foodics.later() == 0
    foodics.assert_true()


def test_version_that_is_over_never_follows_a_newer_one(tmp_path):
    """Whoever is touched is read again behind all walks, so that no walk brings an older state."""
    foodics = Foodics(tmp_path, 320, page_size=4)
    foodics.sync()
    restless = Restless(foodics, 7, often=0.5)
    foodics.sim.fault(LIST, times=None, delay=0.001)
    assert foodics.later(full=True) == 0
    restless.rest()
    names = foodics.rows(
        "select customer_id, full_name from core.customer_history "
        "where full_name like 'Touched%' order by customer_id, valid_from"
    )
    told = [(key, int(name.split()[1])) for key, name in names]
    assert len(told) > 20
    assert told == sorted(told)


@pytest.mark.parametrize("nth", [5, 40, 90])
def test_scan_that_fails_goes_on_where_each_walk_was(tmp_path, nth):
    """The next run reads what is left of every stretch, and what changed between the two."""
    foodics = Foodics(tmp_path, **LARGE)
    foodics.keeps = True
    foodics.sim.fault(LIVING, nth=nth + 10, times=None, status=503)
    foodics.sim.fault(LIST, times=None, delay=0.001)
    assert foodics.sync(pages=15) == 75
    first = foodics.count(LIVING)
    assert first >= nth
    assert not foodics.report().complete
    foodics.sim.clear()
    for customer_id in foodics.ids[::60]:
        foodics.set(customer_id, name="Between the two")
    foodics.delete(foodics.ids[3], foodics.ids[300])
    assert foodics.later() == 0
    assert foodics.report().complete
    assert foodics.count(LIVING) < 250 - nth / 2
    foodics.assert_true()


def test_threads_end_with_the_scan(tmp_path):
    """A walk that fails ends the others; nobody asks any more."""
    foodics = Foodics(tmp_path, **LARGE)
    foodics.sim.fault(LIVING, nth=30, status=400)
    foodics.sim.fault(LIST, times=None, delay=0.001)
    assert foodics.sync() == 4
    assert not [one for one in threading.enumerate() if one.name.startswith("walk")]
    assert foodics.count(LIVING) < 90  # of a hundred and ninety
    assert foodics.customers() == set()
    foodics.sim.clear()
    assert foodics.later() == 0
    foodics.assert_true()
