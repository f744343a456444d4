"""What a complete scope no longer holds: made sure of, then removed; or held, if it is too much."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from sources.intake import FLUSH
from sources.job import RemovalPlan
from sources.paging import Page
from sources.payload import Record
from sources.scan import Scan

GUARD_LEAST, GUARD_SHARE = 50, 0.05
Confirm = Callable[[Sequence[str]], Iterator[tuple[str, Record | bool]]]
"""Ids → (id, True: gone | False: not known | the record: still there); left out: not known."""


def end_scope(
    scan: Scan, confirm: Confirm, *, scope: str = "", vendor_count: int | None = None
) -> None:
    """Remove what this completely read scope no longer holds, and the vendor confirms.

    `vendor_count` is the vendor's own word for how many there are: where it agrees with what
    was read, many removals are believed; else more than max(50, 5 %) are held.
    """
    scan.flush()
    missing = _known_of(scan, scan.scratch.missing(scope))
    if not missing:
        return
    alive = scan.scratch.alive(scope)
    believed = vendor_count is not None and vendor_count == scan.scratch.seen(scope)
    if is_too_many(scan, len(missing), alive) and not believed:
        hold(scan, missing, alive, scope=scope)
        return
    _remove(scan, scope, missing, confirm)


def drop_scope(scan: Scan, scope: str) -> None:
    """End everything in a scope that is itself gone, what this scan saw of it included."""
    gone = _held_in(scan, scope)
    _remove(scan, scope, gone, lambda ids: ((record_id, True) for record_id in ids))


def hold_scopes(scan: Scan, scopes: Sequence[str]) -> None:
    """Keep everything in scopes that seem to be gone, but are too many to believe it."""
    held = [f"{scope}/{one}" for scope in scopes for one in _held_in(scan, scope)]
    hold(scan, held, sum(map(scan.scratch.alive, scan.known_scopes())))


def is_too_many(scan: Scan, missing: int, alive: int) -> bool:
    """Tell whether more is missing than is believed without a person's word."""
    return not scan.job.allow_mass_delete and missing > max(GUARD_LEAST, GUARD_SHARE * alive)


def hold(scan: Scan, missing: list[str], alive: int, *, scope: str = "") -> None:
    """Remove nothing; note what would have been, for a person to look at."""
    report = scan.report
    scan.held = True
    scan.job.log.warning(
        "%s/%s: %d of %d are missing, which is too many to believe; nobody is removed",
        report.vendor,
        scan.shape.resource,
        len(missing),
        alive,
    )
    scan.job.held.append(
        RemovalPlan(
            report.vendor,
            scan.account,
            report.tenant_id,
            scan.shape.resource,
            scope,
            alive,
            missing,
        )
    )


def _held_in(scan: Scan, scope: str) -> list[str]:
    """Return all that is known of a scope, by the log or by this scan."""
    scan.flush()
    scratch = scan.scratch
    return sorted(_known_of(scan, {*scratch.missing(scope), *scratch.seen_in(scope)}))


def _known_of(scan: Scan, ids: Collection[str]) -> list[str]:
    """Return those the log may speak of: of who was erased it says nothing, not even an end."""
    return [one for one in ids if one not in scan.erased] if scan.erased else list(ids)


def _remove(scan: Scan, scope: str, missing: Sequence[str], confirm: Confirm) -> None:
    """Write a delete for each confirmed absence, a row for each that is still there."""
    gone: list[tuple[str, str]] = []
    found: list[Record] = []
    try:
        for record_id, answer in confirm(missing):
            if answer is True:
                gone.append((scope, record_id))
            elif isinstance(answer, dict):
                found.append(answer)
    finally:
        # Else a quota smaller than what is missing would be spent on the same again and again.
        _write(scan, scope, gone, found)


def _write(
    scan: Scan, scope: str, gone: Sequence[tuple[str, str]], found: Sequence[Record]
) -> None:
    if found:
        scan.take(Page(list(found), None, None), scope)
        scan.flush()
    for start in range(0, len(gone), FLUSH):
        keys, observed = gone[start : start + FLUSH], scan.job.observe()
        scan.changes.add(
            scan.shape.deletions(
                keys,
                observed,
                tenant_id=scan.report.tenant_id,
                scan_id=scan.report.scan_id,
            )
        )
        scan.kin.drop([record_id for _, record_id in keys], observed)
    scan.report.rows_removed += len(gone)
