"""What a failure at the wire means for the scan it ends, in the words of the error raised."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from sources.errors import (
    AuthError,
    ContractError,
    Forbidden,
    NotFound,
    Refused,
    Unavailable,
    VendorError,
)
from sources.retry import TRIES, is_expiry

_OK, _FORBIDDEN = 200, 403
_GONE = (404, 410)
Where = dict[str, Any]
"""Vendor, account and resource, as every VendorError wants them."""


def refused(response: httpx.Response, where: Where) -> VendorError | None:
    """Return what a status other than 200 means; None for 200."""
    status = response.status_code
    if status == _OK:
        return None
    if is_expiry(response):
        return AuthError(
            f"the vendor refused the token ({status}), and none newer is to be had. Nothing was "
            f"changed; renew the credential under sources.{where['vendor']} and run again",
            **where,
        )
    if status == _FORBIDDEN:
        return Forbidden(
            "the credential may not read this (403). Nothing was changed; have the missing "
            "permission granted",
            **where,
        )
    if status in _GONE:
        return NotFound(f"the vendor says this does not exist ({status})", **where)
    return Refused(
        f"an unexpected answer ({status}). Nothing of this scan was published and the watermark "
        "has not moved",
        **where,
    )


def given_up(kind: str, what: str, where: Where) -> VendorError:
    """Return what the last failed try of a request means."""
    if kind == "body":
        return ContractError(
            f"{what}, {TRIES[kind]} times. Nothing of this scan was published and the watermark "
            "has not moved, so a rerun is safe. If it repeats, ask the vendor",
            **where,
        )
    return Unavailable(
        f"{what}, {TRIES[kind]} times. Nothing of this scan was published and the watermark has "
        "not moved; the next run tries again",
        **where,
    )


def too_long(what: str, seconds: float, until: datetime, where: Where) -> Unavailable:
    """Return the error that says that a wait is longer than the run may take."""
    return Unavailable(
        f"{what}, and the wait of {seconds:.0f} s is longer than this run may take. "
        "What was read up to the last checkpoint is kept, and the next run goes on there",
        resume_at=until,
        **where,
    )


def stopped(now: datetime, where: Where) -> Unavailable:
    """Return the error of a run that was told to end."""
    return Unavailable(
        "the run was stopped. What was read up to the last checkpoint is kept, and the next run "
        "goes on there",
        resume_at=now,
        **where,
    )


def bad_address(why: str, where: Where) -> ContractError:
    """Return the error of a next page that must not be asked for."""
    return ContractError(
        f"{why}; the token was not sent there and nothing of this scan was published", **where
    )
