"""Connections to one vendor, each used by one request at a time.

httpx keeps what it has in a pool behind one lock. At each request, and behind each answer, it asks
the system of every idle connection whether it is still open, and Python lets other threads in while
it asks: of walks abreast each waited for all the others. So each connection is a pool of its own,
and the one used last goes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import httpx

_TIMEOUT = httpx.Timeout(60, connect=10)


class Connections:
    """As many HTTP clients as requests were ever under way at once."""

    def __init__(self, transport: httpx.BaseTransport | None, headers: Mapping[str, str]) -> None:
        self._make = partial(
            httpx.Client,
            transport=transport,
            # Reading the system's certificates takes longer than all else about a client.
            verify=httpx.create_ssl_context(),
            timeout=_TIMEOUT,
            headers=headers,
            follow_redirects=False,
        )
        first = self._make()
        self._all, self._free = [first], [first]
        self.build_request = first.build_request

    def __len__(self) -> int:
        return len(self._all)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer; raises httpx.RequestError where there is none."""
        try:
            client = self._free.pop()
        except IndexError:
            client = self._make()
            self._all.append(client)
        try:
            response = client.send(request)
        finally:
            self._free.append(client)
        # It and its stream hold each other, and its bytes with them, until Python looks.
        response.stream = httpx.ByteStream(b"")
        return response

    def close(self) -> None:
        """Close them all."""
        for client in self._all:
            client.close()
