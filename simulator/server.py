"""The simulator on a port of this machine, never of another interface."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simulator.messages import Answer, Request

if TYPE_CHECKING:
    import uvicorn

    from simulator.core import Simulator

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Reset = Callable[[Scope], None]


def application(
    simulator: Simulator, reset: Reset | None = None
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return the ASGI application over a simulator; `reset` breaks a request's connection."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _request(scope, receive)
        with simulator.flight(request.path):
            answer = simulator.respond(request)
            if answer.delay:
                await asyncio.sleep(answer.delay)
            if answer.hang:
                # Only the client's patience ends this.
                while (await receive())["type"] != "http.disconnect":
                    pass
            elif answer.drop and reset:
                reset(scope)
                await receive()
            else:
                await _send(answer, send)

    return app


async def _request(scope: Scope, receive: Receive) -> Request:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    return Request(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)


async def _send(answer: Answer, send: Send) -> None:
    pairs = {"content-length": str(len(answer.body)), **answer.headers}
    body = answer.body
    if answer.drop or answer.truncate:
        # A body shorter than it was said to be makes the server close the connection.
        body = b"" if answer.drop else body[: len(body) // 2]
        pairs["content-length"] = str(len(answer.body) + 1)
    if answer.status == 204:
        del pairs["content-length"]
    headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in pairs.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _bind(port: int) -> socket.socket:
    # The protocol is named so that asyncio turns off the delay of small answers.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _server(simulator: Simulator) -> uvicorn.Server:
    import uvicorn

    def reset(scope: Scope) -> None:
        for connection in list(server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport and transport.get_extra_info("peername") == tuple(scope["client"]):
                # No lingering: the client sees a reset, not an orderly end.
                linger = struct.pack("ii", 1, 0)
                plug = transport.get_extra_info("socket")
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                transport.abort()

    server = uvicorn.Server(
        uvicorn.Config(
            application(simulator, reset),
            log_config=None,
            log_level=60,  # a broken answer is no one's error here
            lifespan="off",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
    return server


@contextmanager
def serving(simulator: Simulator, port: int) -> Iterator[int]:
    """Serve in a thread while the block runs."""
    bound, server = _bind(port), _server(simulator)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.01)
    try:
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def serve(simulator: Simulator, port: int, ready: Callable[[int], object]) -> None:
    """Serve until interrupted; `ready` is told the port before the first request.

    Raises:
        OSError: the port is taken.
    """
    bound = _bind(port)
    actual = bound.getsockname()[1]
    simulator.base = f"http://127.0.0.1:{actual}"
    ready(actual)
    _server(simulator).run(sockets=[bound])
