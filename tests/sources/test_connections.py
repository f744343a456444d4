"""Connections are used by one request at a time, over real sockets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from sources.connections import Connections


class _Server(ThreadingHTTPServer):
    """Notes the address each request came from; `/together` is answered when two are there."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.came, self.ended = [], threading.Semaphore(0)
        self.both = threading.Barrier(2, timeout=20)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.came.append(self.client_address)
        if self.path == "/together":
            self.server.both.wait()
        told = self.headers["User-Agent"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def finish(self):
        super().finish()
        self.server.ended.release()

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def server():
    """A server at work."""
    with _Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_requests_side_by_side_share_no_connection_and_one_by_one_they_do(server):
    """As many as were ever needed at once, and no more; all are closed in the end."""
    connections = Connections(None, {"User-Agent": "somebody"})
    where = f"http://127.0.0.1:{server.server_address[1]}"

    def ask(path):
        return connections.send(connections.build_request("GET", where + path)).content

    with ThreadPoolExecutor(2) as pool:
        assert [ask("/") for _ in range(3)] == [b"somebody"] * 3
        assert len(set(server.came)) == 1
        for _ in range(3):
            assert list(pool.map(ask, ["/together"] * 2)) == [b"somebody"] * 2
        ask("/")
    assert len(set(server.came)) == 2
    assert not server.ended.acquire(blocking=False)
    connections.close()
    assert all(server.ended.acquire(timeout=20) for _ in range(2))


def test_connection_that_failed_is_used_again():
    """What ended one request in an exception is lost to no later one."""
    answers = [httpx.ConnectError("no"), httpx.Response(200, content=b"yes")]

    def answer(_):
        if isinstance(told := answers.pop(0), Exception):
            raise told
        return told

    connections = Connections(httpx.MockTransport(answer), {})
    request = connections.build_request("GET", "http://localhost")
    with pytest.raises(httpx.ConnectError):
        connections.send(request)
    assert connections.send(request).content == b"yes"
    assert len(connections) == 1


def test_none_is_left_open_and_none_is_made_once_they_are_closed():
    """One that fails to close keeps no other open; a late request gets an error."""

    class Failing(httpx.MockTransport):
        closed = 0

        def close(self):
            Failing.closed += 1
            raise OSError("no")

    both = threading.Barrier(2, timeout=20)

    def answer(_):
        both.wait()
        return httpx.Response(200)

    connections = Connections(Failing(answer), {})
    request = connections.build_request("GET", "http://localhost")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(connections.send, [request] * 2))
    with pytest.raises(OSError, match="no"):
        connections.close()
    assert Failing.closed == len(connections) == 2
    for _ in range(3):
        with pytest.raises(RuntimeError):
            connections.send(request)


def test_cookie_of_one_answer_goes_with_no_request():
    """Which connection a request happens to have makes no difference to the vendor."""
    came = []

    def answer(request):
        came.append(request.headers.get("Cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "session=1; Path=/"})

    connections = Connections(httpx.MockTransport(answer), {})
    for _ in range(2):
        connections.send(connections.build_request("GET", "http://localhost"))
    assert came == [None, None]


def test_connections_are_made_by_way_of_the_systems_proxy(server, monkeypatch):
    """Who reaches the vendors through a proxy says so where every tool is told."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_address[1]}")
    connections = Connections(None, {"User-Agent": "somebody"})
    request = connections.build_request("GET", "http://api.invalid/")
    assert connections.send(request).content == b"somebody"
    connections.close()
