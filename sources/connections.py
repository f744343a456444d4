"""Connections to one vendor, each used by one request at a time.

httpx keeps what it has in a pool behind one lock. At each request, and behind each answer, it asks
the system of every idle connection whether it is still open, and Python lets other threads in while
it asks: of walks abreast each waited for all the others. So each connection is a pool of its own,
and the one used last goes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx

_TIMEOUT = httpx.Timeout(60, connect=10)


class _NoCookies(httpx.Cookies):
    """Takes none: an answer decides nothing about the next request, whichever connection it has."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing, in no time: httpx makes two objects of `urllib` of each answer for it."""


class _Client(httpx.Client):
    cookies: Any = _NoCookies()


class Connections:
    """As many HTTP clients as requests were ever under way at once."""

    def __init__(self, transport: httpx.BaseTransport | None, headers: Mapping[str, str]) -> None:
        self._make = partial(
            _Client,
            transport=transport,
            # Reading the system's certificates takes longer than all else about a client.
            verify=httpx.create_ssl_context(),
            timeout=_TIMEOUT,
            headers=headers,
            follow_redirects=False,
        )
        self._all, self._free = list[httpx.Client](), list[httpx.Client]()
        self._closed = False
        first = self._one_more()
        self._free.append(first)
        self.build_request = first.build_request

    def __len__(self) -> int:
        return len(self._all)

    def _one_more(self) -> httpx.Client:
        if self._closed:
            raise RuntimeError("the connections are closed")
        client = self._make()
        self._all.append(client)
        if self._closed:
            # Meanwhile; whoever closed the others has not seen it.
            client.close()
        return client

    def send(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer; raises httpx.RequestError where there is none.

        Raises RuntimeError once they are closed.
        """
        try:
            client = self._free.pop()
        except IndexError:
            client = self._one_more()
        try:
            response = client.send(request)
        finally:
            self._free.append(client)
        # It and its stream hold each other, and its bytes with them, until Python looks.
        response.stream = httpx.ByteStream(b"")
        return response

    def close(self) -> None:
        """Close them all; one that fails to keeps no other open."""
        self._closed = True
        with ExitStack() as closing:
            for client in self._all:
                closing.callback(client.close)
