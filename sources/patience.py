"""Bearing with the failure of one thing, a list or a record, while the others can still be read."""

from __future__ import annotations

import re

from sources.errors import AuthError, Forbidden, Unavailable, VendorError

IN_A_ROW = 8


class Patience:
    """Tells the failure of one thing from that of the vendor, the credential or the run."""

    def __init__(self) -> None:
        self._row = 0

    @property
    def worn(self) -> bool:
        """Whether so many in a row were unavailable that it must be the vendor that is."""
        return self._row >= IN_A_ROW

    def succeed(self) -> None:
        """Note that the vendor answers."""
        self._row = 0

    def bear(self, error: VendorError) -> None:
        """Count a failure; raise it where it is no single thing's.

        That is so where the credential is refused, and where the run may wait no longer.
        """
        refused = isinstance(error, AuthError) and not isinstance(error, Forbidden)
        if refused or (isinstance(error, Unavailable) and error.resume_at is not None):
            raise error
        self._row = self._row + 1 if isinstance(error, Unavailable) else 0


def reason(error: VendorError) -> str:
    """Return why it failed, without what that would have meant for a whole scan."""
    what = str(error).removeprefix(f"{error.vendor}/{error.resource}: ")
    return re.split(r"[.;] ", what.removesuffix(f" (account {error.account})."))[0]
