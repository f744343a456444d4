"""What one vendor's strange answer does to a run, from the wire to the tables."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import httpx
import pytest

from simulator import LokeSwitches, Simulator
from sources.throttle import Timing
from tests.conftest import MINUTE, assert_true, configure

pytestmark = pytest.mark.light

HOUR = timedelta(hours=1)


class _Failing(httpx.BaseTransport):
    """Raises what no transport should where a path is asked for."""

    def __init__(self, inner: httpx.BaseTransport, part: str, error: BaseException) -> None:
        self.inner, self.part, self.error = inner, part, error

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self.part):
            raise self.error
        return self.inner.handle_request(request)


def _run(sim, transport, **options):
    from pipelines.sync import sync as run_sync

    timing = Timing(sim.clock.now, sim.clock.sleep)
    return run_sync(["loke"], timing=timing, transport=transport, **options)


def test_failure_nobody_foresaw_ends_its_own_scan_alone(sim, sync, tables):
    """A foreign exception is told by its class, and all else of the account is landed."""
    failing = _Failing(sim.transport(), "/customer-lists", RuntimeError("guest@example.com"))
    outcome = _run(sim, failing)
    assert (outcome.exit_code, outcome.status) == (4, "partial")
    told = " ".join(str(error) for error in outcome.errors)
    assert "RuntimeError" in told
    assert "guest@" not in told
    assert {r.resource for r in outcome.reports if r.complete} == {"organizations", "customers"}
    assert len(tables.customers()) == 130
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_interrupt_is_nobodys_failure(sim, tables):
    """Ctrl-C ends the run; it is not taken for the failure of a scan."""
    failing = _Failing(sim.transport(), "/customer-lists", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        _run(sim, failing)


def test_torn_answer_is_not_even_noticed(sim, sync, tables):
    """A body that cannot be unpacked is asked for again."""
    sim.fault(r"/customer-lists$", headers={"content-encoding": "gzip"})
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_next_address_that_is_none_costs_one_scan(sim, sync, tables):
    """Other tenants and resources are landed beside a scan whose next page has no address."""
    first, second = sim.loke.organizations[:2]
    sim.fault(rf"{first}/customers\?", headers={"x-next-page": "http://[::1/x"})
    outcome = sync()
    assert outcome.exit_code == 4
    assert {tenant for tenant, _ in tables.customers()} == {second}
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_token_that_dies_in_every_wait_is_no_refused_credential(
    project, clock, monkeypatch, tables
):
    """Case 55: short-lived tokens and long waits only take time."""
    switches = LokeSwitches(page_size=20, token_seconds=60)
    sim = Simulator(customers=130, clock=clock, only={"loke"}, loke=switches)
    configure(sim, monkeypatch)
    monkeypatch.setenv("SOURCES__LOKE__MAX_WAIT_SECONDS", "3000")
    for nth in (1, 2, 3):
        sim.fault(r"/organizations$", nth=nth, status=429, headers={"retry-after": "90"})
    assert _run(sim, sim.transport()).exit_code == 0
    assert_true(tables, sim)


def test_failure_beside_a_rate_limit_reset_passes_soon(sim, sync, tables, clock):
    """A 502 that also says when the limit is reset is tried again, not waited out."""
    sim.fault(r"/organizations$", status=502, headers={"x-ratelimit-reset": "3000"})
    begin = clock.now()
    assert sync().exit_code == 0
    assert clock.now() - begin < MINUTE
    assert_true(tables, sim)


def test_records_without_id_are_told_once_and_a_quiet_run_writes_nothing(
    sim, sync, tables, clock, caplog
):
    """Invariant 9: what cannot be told from the last run's is not landed again."""
    org = sim.loke.organizations[0]

    def told() -> int:
        return tables.one("select count(*) from raw_loke.rejects where reason like '%usable%'")

    def lose(count: int) -> None:
        sim.clear()
        more = b',{"name":"no id"}' * count
        sim.fault(rf"{org}/customer-lists$", times=None, body=lambda body: body[:-1] + more + b"]")

    lose(2)
    sync()
    before = tables.snapshot()
    assert told() == 2
    for _ in range(2):
        clock.advance(MINUTE)
        caplog.clear()
        assert sync().exit_code == 0
        assert len([r for r in caplog.records if "usable id" in r.getMessage()]) == 1
    assert tables.snapshot() == before
    lose(3)
    sync()
    assert told() == 3


def test_value_nested_without_end_is_cut_and_its_record_kept(sim, sync, tables):
    """An undocumented value no stack can hold costs neither its page nor its record."""
    deep = b'{"a":' * 990 + b"null" + b"}" * 990
    sim.fault(r"/customers\?", body=lambda body: body[:-2] + b',"nick":' + deep + b"}]")
    assert sync().exit_code == 0
    assert tables.one("select count(*) from raw_loke.customers where _extra like '%deeply%'") == 1
    assert_true(tables, sim)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [(500, b"{}", 0), (403, b"{}", 0), (400, b'{"message":"cursor expired"}', 4)],
)
def test_page_address_that_went_stale_does_not_stop_the_scan_for_good(
    sim, sync, tables, clock, status, body, code
):
    """However the vendor says it, a checkpoint's address is given up, and the tables come right."""
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?.*after=", nth=2, status=429, headers={"retry-after": "9999"})
    assert sync().exit_code == 75
    kept = tables.one("select count(*) from raw_loke.customers")
    assert kept
    sim.clear()
    clock.advance(HOUR)
    sim.fault(rf"{org}/customers\?.*after=", times=None, status=status, body=body)
    # A fresh walk's addresses are good.
    sim.before(rf"{org}/customers\?(?!.*after=)", 1, sim.clear)
    assert sync().exit_code == code
    sim.clear()
    assert sync().exit_code == 0
    assert_true(tables, sim)
    # What was landed before the checkpoint is not landed again.
    expected = 130 + (kept if code else 0)
    assert tables.one("select count(*) from raw_loke.customers") <= expected


def test_vendor_that_is_down_does_not_cost_the_checkpoint(sim, sync, tables, clock, monkeypatch):
    """Where the first page does not come either, the scan goes on later where it was."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?", nth=4, times=None, status=500)
    assert sync().exit_code == 75
    clock.advance(HOUR)
    assert sync().exit_code == 75
    sim.clear()
    assert sync().exit_code == 0
    assert_true(tables, sim)
    assert sim.count(rf"{org}/customers\?") == 2  # pages 4 and 5


def test_checkpoint_of_last_month_is_not_gone_on_with(sim, sync, tables, clock):
    """What was seen so long ago is not taken for seen: the scan reads everything anew."""
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?", nth=4, times=None, status=500)
    assert sync().exit_code == 75
    sim.clear()
    clock.advance(timedelta(days=30))
    assert sync().exit_code == 0
    assert sim.count(rf"{org}/customers\?") == 5
    assert_true(tables, sim)


def test_zero_time_in_every_stamp_stops_nobody(sim, sync, tables, clock):
    """A tenant whose stamps are Go's zero time has none; the others go on as ever."""
    first, second = sim.loke.organizations[:2]
    for customer_id in sim.loke.customer_ids(second):
        sim.loke.update_customer(second, customer_id, updatedAt="0001-01-01T00:00:00Z")
    assert sync().exit_code == 0
    new = sim.loke.create_customer(first, firstName="New")
    clock.advance(HOUR)
    assert sync().exit_code == 0
    assert (first, new) in tables.customers()
    stamps = "select count(updated_at) from core.customers where tenant_id = "
    assert tables.one(f"{stamps}'{second}'") == 0


def test_absurd_number_is_unknown_and_publishing_goes_on(sim, sync, tables, clock):
    """Invariant 10: a number no column can hold is NULL and a reject, and stops no run."""
    org, other = sim.loke.organizations[:2]
    rich = sim.loke.customer_ids(org)[0]
    sim.loke.update_statistics(org, rich, totalSpend=10**16, pointsBalance=-(10**16))
    assert sync().exit_code == 0
    new = sim.loke.create_customer(other, firstName="New")
    clock.advance(HOUR)
    assert sync().exit_code == 0
    assert (other, new) in tables.customers()
    found = tables.rows(
        f"select total_spend, points_balance from core.customers where customer_id = '{rich}'"
    )
    assert found == [(None, None)]
    assert tables.one("select count(*) from ops.rejects where field like 'statistics%'") == 2


@pytest.mark.whole
def test_absurd_number_already_in_the_log_is_published_as_unknown(sim, sync, tables, project):
    """The log is append-only: a row landed before any check must not stop publishing for ever."""
    from pipelines.sync import transform

    sync()
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute(
            "update raw_loke.customers set statistics_total_spend = 9223372036854775807, "
            "statistics_points_balance = -9223372036854775807"
        )
    assert transform(rebuild=True).exit_code == 0
    assert tables.one("select count(total_spend) + count(points_balance) from core.customers") == 0
    assert len(tables.customers()) == 130


def test_gender_is_what_the_word_says_or_unknown(sim, sync, tables):
    """Blanks and letters are understood; what says nothing is NULL, never `other`."""
    org = sim.loke.organizations[0]
    said = {
        "F": "female", "male ": "male", " Female": "female", "m": "male", "Other": "other",
        "non-binary": "other", "UNKNOWN": None, "Prefer not to say": None, "": None,
    }  # fmt: skip
    ids = sim.loke.customer_ids(org)[: len(said)]
    for customer_id, word in zip(ids, said, strict=True):
        sim.loke.update_customer(org, customer_id, gender=word)
    sync()
    found = dict(tables.rows("select customer_id, gender from core.customers"))
    assert {word: found[one] for one, word in zip(ids, said, strict=True)} == said
