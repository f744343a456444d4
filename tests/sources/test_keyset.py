"""A keyset walk on its own, page by page."""

from __future__ import annotations

import pytest

from sources.foodics.fields import CUSTOMERS
from sources.http import Client
from sources.keyset import Keyset
from sources.paging import Batch
from sources.throttle import Limiter, Timing
from sources.window import Place
from tests.conftest import MINUTE, NOON


def _customer(name, stamp):
    return {"id": name, "updated_at": stamp and f"{stamp:%Y-%m-%d %H:%M:%S}"}


@pytest.mark.parametrize("at", range(3))
def test_stretch_leaves_out_who_is_later_and_nobody_else(at):
    """Someone without a stamp belongs to no stretch, so whoever meets them keeps them."""
    records = [_customer("early", NOON), _customer("late", NOON + 2 * MINUTE)]
    records.insert(at, _customer("never", None))
    client = Client(
        vendor="foodics",
        account="default",
        base_url="http://localhost",
        limiter=Limiter(Timing(lambda: NOON, float)),
    )
    keyset = Keyset(client, lambda *_: Batch(records, more=True), CUSTOMERS, "")
    (page,) = keyset.pages(Place(NOON - MINUTE), until=NOON + MINUTE)
    assert {one["id"] for one in page.records} == {"early", "never"}
    assert (page.next, keyset.obeyed) == (None, True)
