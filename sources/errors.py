"""What can go wrong, by what the operator does next.

SyncError                           caught only in the command line
├── ConfigError      exit 2         fix the named key
├── VendorError(vendor, account, resource)
│   ├── AuthError    exit 3         renew the credential
│   ├── ContractError exit 4        a promise we rely on was broken; a person looks
│   └── Unavailable  exit 75        retries or quota ran out; the next schedule will do
├── Held             exit 5         more removals than allowed, or a failed check; the plan is saved
└── Locked           exit 75        another run or a reader of the file (names the pid); no room

A message says what happened, where, what it means for the data and what to do; it holds no
address, no payload and no person.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable
from datetime import datetime


class SyncError(Exception):
    """Anything this project ends a run with; `exit_code` tells the shell."""

    exit_code = 4


class ConfigError(SyncError):
    """A setting is missing or wrong."""

    exit_code = 2


class VendorError(SyncError):
    """A vendor's answer, or its silence, ended a scan.

    Attributes:
        vendor: The vendor's name in `VENDORS`.
        account: Our credential there.
        resource: The stream that was read.
    """

    def __init__(self, what: str, *, vendor: str, account: str, resource: str) -> None:
        super().__init__(f"{vendor}/{resource}: {what} (account {account}).")
        self.vendor = vendor
        self.account = account
        self.resource = resource


class AuthError(VendorError):
    """The vendor refused the credential."""

    exit_code = 3


class ContractError(VendorError):
    """The vendor broke a promise the pipeline relies on."""

    exit_code = 4


class NotFound(ContractError):
    """404 or 410 where a thing was expected; a caller may know what that means."""


class Refused(ContractError):
    """The vendor answered a question with a 3xx or 4xx that means nothing of its own."""


class Forbidden(AuthError):
    """The vendor answered 403: the credential is good, its permission is not."""


class Unavailable(VendorError):
    """Retries, waiting time or quota ran out; `resume_at` is the vendor's word, if it gave one."""

    exit_code = 75

    def __init__(
        self,
        what: str,
        *,
        vendor: str,
        account: str,
        resource: str,
        resume_at: datetime | None = None,
    ) -> None:
        when = f"; it may be asked again at {resume_at:%Y-%m-%d %H:%M:%SZ}" if resume_at else ""
        super().__init__(f"{what}{when}", vendor=vendor, account=account, resource=resource)
        self.resume_at = resume_at


class Held(SyncError):
    """A check failed, or more would be removed than the guard allows."""

    exit_code = 5


class Locked(SyncError):
    """Another process holds what this run needs, or a disk has no room for it."""

    exit_code = 75


def is_full(error: BaseException) -> bool:
    """Tell whether a disk had no room left: as the system says it, SQLite, or DuckDB in words."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return "No space left on device" in str(error)


# The code of a run is the first of these that happened in it: what a person must mend comes
# before what time mends by itself.
PRECEDENCE = (2, 3, 4, 5, 75)


def exit_code_of(errors: Iterable[SyncError]) -> int:
    """Return the exit code of a run that met these errors; 0 when there were none."""
    codes = {error.exit_code for error in errors}
    return next((code for code in PRECEDENCE if code in codes), 0)
