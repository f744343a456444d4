"""The simulator behind httpx in the same process."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from simulator.messages import Request

if TYPE_CHECKING:
    from simulator.core import Simulator


class InProcess(httpx.BaseTransport):
    """Carries httpx requests to the simulator without a socket; safe from several threads."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or raise what httpx raises when a socket fails so; nothing is waited for.

        Only `delay` takes real time, and none where it exceeds the request's read timeout.
        """
        path = request.url.path
        asked = Request(
            request.method,
            path,
            request.url.query.decode(),
            {key.lower(): value for key, value in request.headers.items()},
            request.read(),
        )
        with self._simulator.flight(path):
            answer = self._simulator.respond(asked)
            patience = request.extensions.get("timeout", {}).get("read")
            if answer.hang or (patience is not None and answer.delay > patience):
                raise httpx.ReadTimeout("no answer in time", request=request)
            if answer.delay:
                time.sleep(answer.delay)
        if answer.drop:
            raise httpx.ReadError("connection lost", request=request)
        if answer.truncate:
            raise httpx.RemoteProtocolError("incomplete body", request=request)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)
