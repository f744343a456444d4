"""What a test can do to the wire, in this process and over real sockets."""

from __future__ import annotations

import httpx
import pytest

from simulator import LokeSwitches, Simulator
from tests.simulator.helpers import Reader, customers, pretend


def test_fault_hits_the_nth_and_so_many():
    """Counting is from now; `times` None lasts until faults are cleared."""
    sim = pretend()
    reader = Reader(sim)
    reader.get("/organizations")
    sim.fault("GET /loke/organizations$", nth=2, times=2, status=500, body="broken")
    seen = [reader.get("/organizations").status_code for _ in range(4)]
    assert seen == [200, 500, 500, 200]
    sim.fault("organizations", times=None, status=502)
    assert {reader.get("/organizations").status_code for _ in range(3)} == {502}
    sim.clear_faults()
    assert reader.get("/organizations").status_code == 200
    assert [one.status for one in sim.requests][-4:] == [502, 502, 502, 200]


def test_body_alone_is_replaced():
    """Without a status the answer keeps its own and its headers; a callable is given the body."""
    sim = pretend()
    reader = Reader(sim)
    sim.fault("customers", body=lambda body: body.replace(b"firstName", b"first"))
    sim.fault("customers", nth=2, body="<html>", headers={"Content-Type": "text/html"})
    sim.fault("customers", nth=3, headers={"X-Next-Page": None})
    first, second, third = (reader.get(customers(sim)) for _ in range(3))
    assert "first" in first.json()[0]
    assert (second.status_code, second.text) == (200, "<html>")
    assert second.headers["content-type"] == "text/html"
    assert "x-next-page" in second.headers
    assert "x-next-page" not in third.headers


def test_token_address_can_fail_too():
    """Faults work on the token address."""
    sim = pretend()
    sim.fault("loke-auth/token", status=503)
    with httpx.Client(transport=sim.transport()) as client:
        assert client.post(sim.loke.token_url).status_code == 503


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("drop", httpx.ReadError),
        ("hang", httpx.ReadTimeout),
        ("truncate", httpx.RemoteProtocolError),
    ],
)
def test_broken_connections_raise_what_httpx_raises(fault, error):
    """Dropped, hung and cut answers fail at once in this process, and so over a socket."""
    sim = pretend()
    reader = Reader(sim)
    sim.fault("organizations", **{fault: True})
    with pytest.raises(error):
        reader.get("/organizations")
    assert reader.get("/organizations").status_code == 200
    with sim.serve(), httpx.Client(timeout=0.2) as client:
        reader = Reader(sim, client)
        sim.fault("organizations", **{fault: True})
        with pytest.raises(error):
            reader.get("/organizations")
        assert reader.get("/organizations").status_code == 200


def test_delay_beyond_patience_is_a_timeout_without_waiting():
    """In this process a delay is real, unless the client would not wait for it."""
    sim = pretend()
    reader = Reader(sim)
    sim.fault("organizations", delay=100)
    with pytest.raises(httpx.ReadTimeout):
        reader.get("/organizations")


def test_hook_acts_once_or_every_time():
    """`before` the nth request of a kind, or with None before each."""
    sim = pretend()
    reader, once, always = Reader(sim), [], []
    sim.before("after=", 2, lambda: once.append(1))
    sim.before("after=", None, lambda: always.append(1))
    reader.all(customers(sim))
    assert (len(once), len(always)) == (1, 4)


def test_served_over_a_real_port():
    """The same world over sockets, on loopback; addresses are real while it is served."""
    sim = pretend()
    with sim.serve() as port:
        assert sim.loke.base_url == f"http://127.0.0.1:{port}/loke"
        with httpx.Client() as client:
            reader = Reader(sim, client)
            assert len(reader.all(customers(sim))) == 42
            org = sim.loke.organizations[0]
            made = reader.ask("POST", f"/organizations/{org}/customer-lists", json={"name": "ñ"})
            path = f"/organizations/{org}/customer-lists/{made.json()['id']}"
            assert reader.ask("DELETE", path).status_code == 204
    assert sim.loke.base_url == "http://vendors.test/loke"
    assert sim.requests[1].host == f"127.0.0.1:{port}"


def test_app_is_an_asgi_application():
    """The ASGI transport of httpx can drive `app`."""
    import anyio

    sim = pretend()

    async def ask() -> int:
        transport = httpx.ASGITransport(app=sim.app)
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get(sim.loke.base_url + "/organizations")).status_code

    assert anyio.run(ask) == 401


def test_taken_port_is_told():
    """A second server on the same port fails and leaves the first alone."""
    sim = pretend(customers=0)
    with (
        sim.serve() as port,
        pytest.raises(OSError, match="in use"),
        Simulator(customers=0, loke=LokeSwitches()).serve(port),
    ):
        pass
