"""The simulator on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from simulator.core import Request

if TYPE_CHECKING:
    from simulator.core import Simulator

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_HANG = 3600.0


def application(simulator: Simulator) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """Return the ASGI application over a simulator."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        request = Request(
            scope["method"], scope["path"], scope["query_string"].decode(), headers, body
        )
        answer = simulator.respond(request)
        if answer.delay or answer.hang:
            await asyncio.sleep(_HANG if answer.hang else answer.delay)
        length = str(len(answer.body) + (1 if answer.drop or answer.truncate else 0))
        pairs = {"content-length": length, **answer.headers}
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in pairs.items()],
            }
        )
        # A body shorter than it was said to be makes the server close the connection.
        await send({"type": "http.response.body", "body": b"" if answer.drop else answer.body})

    return app


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _server(simulator: Simulator) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            application(simulator),
            log_level="critical",
            lifespan="off",
            access_log=False,
            date_header=False,
            server_header=False,
        )
    )


@contextmanager
def serving(simulator: Simulator, port: int) -> Iterator[int]:
    """Serve in a thread while the block runs."""
    bound, server = _bind(port), _server(simulator)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def serve(simulator: Simulator, port: int, ready: Callable[[int], None]) -> None:
    """Serve until interrupted; `ready` is told the port before the first request."""
    bound = _bind(port)
    actual = bound.getsockname()[1]
    simulator.base = f"http://127.0.0.1:{actual}"
    ready(actual)
    _server(simulator).run(sockets=[bound])
