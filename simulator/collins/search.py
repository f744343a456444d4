"""How a list of customers is found: by the orders that are kept, or by looking at each."""

from __future__ import annotations

import orjson

from simulator.collins.filters import RELEVANCE, Search, place_of
from simulator.collins.switches import CollinsSwitches, Record
from simulator.collins.world import STAMPED, Account, Found, Order, customer_of, tie_of


def find(account: Account, switches: CollinsSwitches, search: Search) -> Found:
    """Return the customers that are asked for, in the order asked for."""
    stamp, falling = search.sorts[0]
    kept = len(search.sorts) == 1 and stamp in STAMPED
    if kept and not search.tests and search.spans.keys() <= {stamp}:
        order = Order(stamp, switches.null_last != falling, switches.ties == "shuffled")
        if not search.spans:
            keys = account.order(order)
            return Found(keys, 0, len(keys), falling)
        return Found(*account.within(order, *search.spans[stamp]), falling)
    return account.found(search.key, lambda: _look(account, switches, search))


def _look(account: Account, switches: CollinsSwitches, search: Search) -> Found:
    """Look at each customer of the fewest that a kept order leaves, and sort what is found."""
    shuffled = switches.ties == "shuffled"
    passed, stretch = None, None
    for name, span in search.spans.items():
        keys, low, high = account.within(Order(name, shuffled=shuffled), *span)
        if stretch is None or high - low < len(stretch):
            passed, stretch = name, keys[low:high]
    if stretch is None:
        stretch = account.order(Order("created_date", shuffled=shuffled))
    found: list[tuple[str, list[str]]] = []
    for key in stretch:
        raw = account.customers[customer_of(key)]
        if not all(test.passes(raw) for test in search.tests):
            continue
        record = orjson.loads(raw)
        if search.admits(record, passed):
            found.append((key, [_value(record, name, search.text) for name, _ in search.sorts]))
    keys = _sorted(found, search, null_last=switches.null_last)
    return Found(keys, 0, len(keys))


def _value(record: Record, name: str, text: str) -> str:
    """Return what a record is sorted by, empty where it has nothing."""
    if name == RELEVANCE:
        return f"{place_of(record, text) or 0:06d}"
    return str(record.get(name) or "")


def _sorted(found: list[tuple[str, list[str]]], search: Search, *, null_last: bool) -> list[str]:
    # Equals fall where the first field does: as the kept orders have it, read downwards.
    found.sort(key=lambda pair: tie_of(pair[0]), reverse=search.sorts[0][1])
    for place, (_, falling) in reversed(list(enumerate(search.sorts))):
        some = [pair for pair in found if pair[1][place]]
        none = [pair for pair in found if not pair[1][place]]
        some.sort(key=lambda pair, place=place: pair[1][place], reverse=falling)  # type: ignore[misc]
        found = some + none if null_last else none + some
    return [key for key, _ in found]


def put_ready(account: Account, switches: CollinsSwitches) -> None:
    """Make the orders that the wire reads without a search, and those that searches begin with."""
    shuffled = switches.ties == "shuffled"
    for stamp in STAMPED:
        for high in (False, True):
            account.order(Order(stamp, high, shuffled))
