"""A keyset walk on its own, page by page."""

from __future__ import annotations

import pytest

from sources.content import canonical
from sources.foodics.fields import CUSTOMERS
from sources.http import Client
from sources.keyset import Keyset
from sources.paging import Batch
from sources.throttle import Limiter, Timing
from sources.window import SECOND, Place
from tests.conftest import MINUTE, NOON


def _customer(name, stamp):
    return {"id": name, "updated_at": stamp and f"{stamp:%Y-%m-%d %H:%M:%S}"}


def _client():
    return Client(
        vendor="foodics",
        account="default",
        base_url="http://localhost",
        limiter=Limiter(Timing(lambda: NOON, float)),
    )


@pytest.mark.parametrize(
    ("before", "onward"), [(0, 2), (1, 1)], ids=["one second", "one before it"]
)
def test_first_page_of_one_second_is_not_asked_for_again(before, onward):
    """The page behind «after the second before» would be the same; with one before it, it is not.

    What follows is asked for by number, and looked after as any equal stamp is.
    """
    earlier = [_customer("before", NOON - MINUTE)][:before]
    records = [*earlier, _customer("a", NOON), _customer("b", NOON)]
    asked = []

    def fetch(place, _):
        asked.append(place)
        first = len(asked) == 1
        found = records if first else [_customer("c", NOON)]
        return Batch(found, more=first, vendor_time=NOON + MINUTE, total=len(records) + 1)

    pages = list(Keyset(_client(), fetch, CUSTOMERS, "").pages(Place(NOON - 2 * MINUTE)))
    assert asked[1] == Place(NOON - SECOND, onward)
    seen = {one["id"] for page in pages for one in page.records}
    assert seen == {one["id"] for one in records} | {"c"}


@pytest.mark.parametrize("at", range(3))
def test_stretch_leaves_out_who_is_later_and_nobody_else(at):
    """Someone without a stamp belongs to no stretch, so whoever meets them keeps them."""
    records = [_customer("early", NOON), _customer("late", NOON + 2 * MINUTE)]
    records.insert(at, _customer("never", None))
    keyset = Keyset(_client(), lambda *_: Batch(records, more=True), CUSTOMERS, "")
    (page,) = keyset.pages(Place(NOON - MINUTE), until=NOON + MINUTE)
    assert {one["id"] for one in page.records} == {"early", "never"}
    assert (page.next, keyset.obeyed) == (None, True)


def test_last_second_of_a_page_comes_once_unless_it_says_something_new():
    """It is asked for with the next page again: who is there as before is no news."""
    first = [_customer("a", NOON - MINUTE), _customer("b", NOON), _customer(None, NOON)]
    renamed = {**first[1], "name": "new"}
    shown = [
        Batch([*first[:1], first[1], first[2]], more=True),
        Batch([renamed, first[2], _customer("c", NOON + MINUTE)], more=True),
        Batch([_customer("c", NOON + MINUTE), _customer("d", NOON + MINUTE)], more=False),
    ]
    pages = list(Keyset(_client(), lambda *_: shown.pop(0), CUSTOMERS, "").pages(Place(None)))
    assert [[one["id"] for one in page.records] for page in pages] == [
        ["a", "b", None],
        # Of those without an id nobody can tell whether they are the same.
        ["b", None, "c"],
        ["d"],
    ]
    assert [len(page.stamps) for page in pages] == [3, 3, 1]
    assert pages[1].records[0] == renamed


@pytest.mark.parametrize(
    ("before", "after"),
    [(["old", "new"], ["old", "new"]), ([1], [True])],
    ids=["twice in one second", "equal to Python"],
)
def test_last_that_is_given_of_somebody_is_the_last_the_vendor_shows(before, after):
    """A version that was shown is given again once another stands before it."""
    late, told = _customer("b", NOON), [before, after]
    versions = [[{**late, "order_count": one} for one in page] for page in told]
    shown = [
        Batch([_customer("a", NOON - MINUTE), *versions[0]], more=True),
        Batch([*versions[1], _customer("c", NOON + MINUTE)], more=True),
        Batch([], more=False),
    ]
    pages = list(Keyset(_client(), lambda *_: shown.pop(0), CUSTOMERS, "").pages(Place(None)))
    given = [one["order_count"] for page in pages for one in page.records if one["id"] == "b"]
    assert canonical(given[-1]) == canonical(after[-1])
