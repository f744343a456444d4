"""Cutting the time between two stamps into stretches that hold about as many records each.

Every question «what changed after this moment» also tells how many there are behind it. A few of
them find where to cut, and what they show is the first page of the stretch that begins there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sources.paging import Batch

# A stretch may be an eighth longer or shorter than it should be.
_NEAR = 8
# One question for so many pages is worth its time; after so many, what was found will do.
_PAGES_PER_QUESTION = 10
_SECOND = timedelta(seconds=1)

Ask = Callable[[datetime], Batch | None]
"""A moment → the first page of what changed after it; None where the vendor does not obey."""


@dataclass(frozen=True)
class Stretch:
    """What changed after one moment (None: from the beginning) and until another.

    Attributes:
        first: Its first page, as the vendor has just shown it.
    """

    after: datetime | None
    until: datetime
    first: Batch


def stretches(ask: Ask, first: Batch, low: datetime, high: datetime, count: int) -> list[Stretch]:
    """Cut what changed until `high` into so many stretches; none where that cannot be done.

    Args:
        ask: Asks the vendor, from several threads at once.
        first: The first page of all.
        low: No cut is made before it.
        high: Where the last stretch ends.
        count: How many stretches there should be; fewer where many records share a second.
    """
    total = first.total or 0
    behind, shown = {low: total, high: 0}, dict[datetime, Batch]()
    wanted = [total * at // count for at in range(1, count)]
    near, most = total / count / _NEAR, total / max(1, len(first.records)) / _PAGES_PER_QUESTION
    with ThreadPoolExecutor(max(1, len(wanted)), thread_name_prefix="cut") as pool:
        while len(shown) < most:
            halve = len(shown) > len(wanted)
            tried = {_between(behind, number, near, halve=halve) for number in wanted}
            moments = sorted(moment for moment in tried if moment is not None)
            if not moments:
                break
            for moment, batch in zip(moments, pool.map(ask, moments), strict=True):
                if batch is None or batch.total is None:
                    return []
                behind[moment], shown[moment] = batch.total, batch
    if not shown:
        return []
    nearest = {min(shown, key=lambda at: abs(behind[at] - number)) for number in wanted}
    cuts = sorted(nearest)
    begins = [(None, first), *((moment, shown[moment]) for moment in cuts)]
    return [
        Stretch(after, until, batch)
        for (after, batch), until in zip(begins, [*cuts, high], strict=True)
    ]


def _between(
    behind: dict[datetime, int], number: int, near: float, *, halve: bool
) -> datetime | None:
    """Return a moment that should have about so many records behind it; None if one is known."""
    early = max(moment for moment, count in behind.items() if count >= number)
    late = min(moment for moment, count in behind.items() if count < number)
    more, fewer = behind[early] - number, number - behind[late]
    if min(more, fewer) <= near:
        return None
    # In proportion, as if they were spread evenly; then by half, should they be anything but.
    share = 0.5 if halve else more / (more + fewer)
    moment = (early + (late - early) * share).replace(microsecond=0)
    return moment if early + _SECOND < moment < late else None
