"""Differences between a vendor's count of who is on a list and ours.

One that stays when it was looked into (the vendor counts others too, or whom we have erased) is
remembered in the tenant's state, and not asked about again.
"""

from __future__ import annotations

from collections.abc import Collection

from sources.scan import Scan

_KEY = "count_gaps"


class Gaps:
    """What is known of the lists of a scan's tenant, by a name of the list."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._known: dict[str, int] = dict(scan.home.get(_KEY, {}))

    def has(self, name: str, gap: int) -> bool:
        """Tell whether a list differs by just what is known of it: by nothing, if nothing is."""
        return gap == self._known.get(name, 0)

    def note(self, name: str, gap: int) -> None:
        """Note what is left of a difference that was looked into."""
        self._known[name] = gap

    def keep(self, names: Collection[str]) -> None:
        """Put what is known of these lists into the state; a quiet run leaves that as it was."""
        known = {name: gap for name, gap in self._known.items() if gap and name in names}
        # Asked for only now: each part of a scan has a state of its own.
        home = self._scan.home
        if known != home.get(_KEY, {}):
            home[_KEY] = known
