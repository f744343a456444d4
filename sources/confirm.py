"""Making sure of an absence: a record is gone when its own address says so, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from sources.errors import ContractError, Forbidden, Unavailable, VendorError
from sources.patience import Patience, reason
from sources.payload import Record
from sources.records import Shape
from sources.removal import Confirm
from sources.scan import Scan

_AT_ONCE = 4


def by_address(
    get: Callable[[str], Record | None], shape: Shape, scan: Scan | None = None
) -> Confirm:
    """Return a confirmation that asks for each record by id; `get` gives None where none is.

    A record we may not see is not gone, and neither is one that answers under another id. Where
    one cannot be asked for, `scan` is told and the others are; without a `scan` it is raised.
    """

    def confirm(ids: Sequence[str]) -> Iterator[tuple[str, Record | bool]]:
        patience, failures = Patience(), list[VendorError]()
        unbearable: VendorError | None = None
        given_up = False

        def ask(record_id: str) -> Record | bool | VendorError | None:
            return None if given_up else _ask(get, shape, record_id)

        for record_id, answer in _answers(ask, ids):
            if not isinstance(answer, VendorError):
                patience.succeed()
                yield record_id, answer
                continue
            if scan is None:
                raise answer
            if not given_up:
                failures.append(answer)
                try:
                    patience.bear(answer)
                except VendorError as error:
                    unbearable = error
                given_up = patience.worn or unbearable is not None
        if unbearable:
            raise unbearable
        if scan is not None and failures:
            _tell(scan, failures, len(ids), given_up=given_up)

    return confirm


def _ask(
    get: Callable[[str], Record | None], shape: Shape, record_id: str
) -> Record | bool | VendorError:
    """Return what one record's own address says of it, or why it says nothing."""
    try:
        found = get(record_id)
    except Forbidden:
        return False
    except (ContractError, Unavailable) as error:
        return error
    if found is None:
        return True
    return found if shape.record_id(found) == record_id else False


def _answers(
    ask: Callable[[str], Record | bool | VendorError | None], ids: Sequence[str]
) -> Iterator[tuple[str, Record | bool | VendorError]]:
    """Yield each id that was asked for (None: it was not) with its answer."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="confirm") as pool:
        try:
            for record_id, answer in zip(ids, pool.map(ask, ids), strict=True):
                if answer is not None:
                    yield record_id, answer
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _tell(scan: Scan, failures: Sequence[VendorError], missing: int, *, given_up: bool) -> None:
    """Say once what could not be asked; where the vendor seems to be down, that is still owed."""
    first = failures[0]
    kind = ContractError if isinstance(first, ContractError) else Unavailable
    error = kind(
        f"{len(failures)} of {missing} records that are missing could not be asked for: "
        f"{reason(first)}. They stand as they were, all else is published, and the next complete "
        "scan asks again",
        vendor=first.vendor,
        account=first.account,
        resource=first.resource,
    )
    if given_up:
        # Nothing may be concluded from a vendor that is down: the next run reads all again.
        scan.leave_out(error)
    elif scan.job.strict:
        raise error
    else:
        # One address that never answers must not make every run a complete one.
        scan.job.errors.append(error)
