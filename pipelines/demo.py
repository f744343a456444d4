"""The demo: pretended vendors on loopback, two syncs, and what changed between them, in SQL."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines import project, warehouse
from pipelines.query import query
from sources.errors import ConfigError, SyncError

QUERIES = (
    (
        "Who may we write to, and what are they worth?",
        "select accepts_marketing, count(*) as guests, count(email) as with_email, "
        "sum(total_spend) as spend, currency from core.customers "
        "group by all order by currency, accepts_marketing",
    ),
    (
        "How full are the lists, by our count and by the vendor's?",
        "select l.name, l.member_count as vendor_says, count(m.customer_id) as we_have "
        "from core.lists l left join core.memberships m using (vendor, tenant_id, list_kind, "
        "list_id) group by all order by 3 desc limit 5",
    ),
    (
        "Whose consent changed, and when did we see it?",
        "select customer_id, accepts_marketing, valid_from, valid_to from core.customer_history "
        "where customer_id in (select customer_id from core.customer_history "
        "group by customer_id having count(distinct accepts_marketing) > 1) "
        "order by customer_id, valid_from limit 6",
    ),
)
_CHANGES = """
select 'customers: new' as what, count(*) as rows from core.customers
where first_seen_at >= timestamptz '{since}'
union all select 'customers: changed', count(*) from core.customers
where changed_at >= timestamptz '{since}' and first_seen_at < timestamptz '{since}'
union all select 'customers: deleted', count(*) from (
    select customer_id from core.customer_history group by vendor, tenant_id, customer_id
    having count(*) = count(valid_to) and max(valid_to) >= timestamptz '{since}')
union all select 'lists: new', count(*) from core.lists where first_seen_at >= timestamptz '{since}'
union all select 'memberships: joined', count(*) from core.membership_history
where valid_from >= timestamptz '{since}'
union all select 'memberships: left', count(*) from core.membership_history
where valid_to >= timestamptz '{since}'
"""


def demo(customers: int) -> int:
    """Run the demo; return the exit code of the worse of its two syncs."""
    before = dict(os.environ)
    try:
        return _demo(customers)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _demo(customers: int) -> int:
    from simulator import Simulator

    file = _clean_slate()
    simulator = Simulator(customers=customers)
    loke = simulator.loke
    with simulator.serve() as port:
        os.environ.update(
            SOURCES__LOKE__BASE_URL=loke.base_url,
            SOURCES__LOKE__TOKEN_URL=loke.token_url,
            SOURCES__LOKE__CLIENT_ID=loke.client_id,
            SOURCES__LOKE__CLIENT_SECRET=loke.client_secret,
        )
        _title(f"Day one: LOKE, pretended on 127.0.0.1:{port}, into {file.name}")
        first = _sync()
        query(
            "select vendor, 'customers' as what, count(*) as rows from core.customers group by 1 "
            "union all select vendor, 'lists', count(*) from core.lists group by 1 "
            "union all select vendor, 'memberships', count(*) from core.memberships group by 1"
        )
        since = _now()
        simulator.clock.advance(timedelta(hours=1))
        _title("Meanwhile at the vendor: guests join, change their mind, leave; lists are edited")
        _change(simulator)
        _title("Day two: only what changed is read")
        second = _sync("--full")
    _title("What arrived on day two")
    query(_CHANGES.format(since=since))
    for question, text in QUERIES:
        _title(question)
        sys.stdout.write(f'regulars query "{text}"\n\n')
        query(text)
    return max(first, second)


def _clean_slate() -> Path:
    """Start from no warehouse; refuse to touch one that the demo did not make."""
    file = warehouse.place().file
    if file is None:
        raise ConfigError("the demo writes a DuckDB file; unset destination.warehouse")
    marker = project.data_dir() / "demo" / f"{warehouse.place().lock_name}.made"
    if file.exists() and not marker.exists():
        raise ConfigError(
            f"{file.name} exists and is not the demo's. Nothing was touched; move it away, or set "
            "DESTINATION__WAREHOUSE__CREDENTIALS to another file"
        )
    shutil.rmtree(marker.parent, ignore_errors=True)
    for path in (file, file.with_name(file.name + ".wal")):
        path.unlink(missing_ok=True)
    marker.parent.mkdir(parents=True)
    marker.touch()
    # The demo's working data are its own, whatever a real account has under way.
    os.environ["DLT_DATA_DIR"] = str(marker.parent / "data")
    return file


def _sync(*flags: str) -> int:
    from pipelines import sync as runs
    from pipelines.commands import report

    sys.stdout.write(f"$ regulars sync loke {' '.join(flags)}\n")
    try:
        return report(runs.sync(["loke"], full="--full" in flags))
    except SyncError as error:
        sys.stderr.write(f"regulars: {error}\n")
        return error.exit_code


def _change(simulator: Any) -> None:
    """A day at the vendor: customers by its staff, lists through its own API."""
    import httpx

    loke = simulator.loke
    org = loke.organizations[0]
    guests, lists = loke.customer_ids(org), loke.list_ids(org)
    for guest in guests[:5]:
        consent = loke.customer(org, guest).get("hasAgreedToMarketing")
        loke.update_customer(org, guest, hasAgreedToMarketing=not consent)
    loke.update_customer(org, guests[5], phoneNumber="+61491570159", lastName="Married-Now")
    loke.update_statistics(org, guests[6], pointsBalance=9000)
    loke.delete_customer(org, guests[7])
    joined = [
        loke.create_customer(org, firstName=name, email=f"{name.lower()}@example.com")
        for name in ("Wren", "Sol", "Ines")
    ]
    with httpx.Client(base_url=loke.base_url) as api:
        token = api.post(
            loke.token_url, data={"grant_type": "client_credentials"},
            auth=(loke.client_id, loke.client_secret),
        ).json()["access_token"]  # fmt: skip
        api.headers["Authorization"] = f"Bearer {token}"
        made = api.post(f"organizations/{org}/customer-lists", json={"name": "Newcomers"}).json()
        members = f"organizations/{org}/customer-lists/{made['id']}/members"
        _done(api.put(members, json={"customerIds": joined}).status_code)
        emptied = f"organizations/{org}/customer-lists/{lists[1]}/members"
        _done(api.put(emptied, json={"customerIds": []}).status_code)
        _done(api.delete(f"organizations/{org}/customer-lists/{lists[3]}").status_code)


def _done(status: int) -> None:
    if status >= 400:  # noqa: PLR2004  an HTTP refusal
        raise RuntimeError(f"the pretended vendor answered {status}")


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()


def _title(text: str, write: Callable[[str], object] = sys.stdout.write) -> None:
    write(f"\n— {text}\n\n")
