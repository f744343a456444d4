"""Pages are walked once each, several scopes at a time, and no token leaves its host."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import VirtualClock
from sources.errors import ContractError, NotFound
from sources.http import Client
from sources.paging import Page, follow_header, together
from sources.throttle import Limiter, Timing
from tests.conftest import NOON


class _Signed:
    def header(self) -> str:
        return "Bearer t"

    def renew(self, refused: str) -> bool:
        return False


def _client(handler) -> Client:
    clock = VirtualClock(NOON)
    made = Client(
        vendor="acme", account="default", base_url="https://api.test/v1",
        limiter=Limiter(Timing(clock.now, clock.sleep)), transport=httpx.MockTransport(handler),
    )  # fmt: skip
    made.auth = _Signed()
    return made


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_every_page_comes_once_and_in_order(sizes):
    """Whatever the sizes of pages, empty ones included, each record comes once."""

    def answer(request):
        page = int(request.url.params.get("p", "0"))
        more = {"X-Next-Page": f"/v1/things?p={page + 1}"} if page + 1 < len(sizes) else {}
        return httpx.Response(
            200, json=[{"id": [page, i]} for i in range(sizes[page])], headers=more
        )

    client = _client(answer)
    pages = list(follow_header(client, client.url("things"), resource="things"))
    assert [r["id"] for page in pages for r in page.records] == [
        [page, i] for page, size in enumerate(sizes) for i in range(size)
    ]
    assert client.requests["things"] == len(sizes)


def test_nothing_is_asked_beyond_what_is_enough():
    """The page after the last wanted one is not asked for, not even ahead."""

    def answer(request):
        page = int(request.url.params.get("p", "0"))
        return httpx.Response(200, json=[], headers={"X-Next-Page": f"/v1/things?p={page + 1}"})

    client = _client(answer)
    list(follow_header(client, client.url("things"), resource="things", enough=lambda _: True))
    assert client.requests["things"] == 1


@pytest.mark.parametrize(
    "address",
    ["https://evil.test/v1/x", "http://api.test/v1/x", "//evil.test/x", "https://api.test:444/"],
)
def test_token_never_leaves_its_host(address):
    """Case 26: another host, scheme or port in the next address is refused before it is asked."""
    asked = []

    def answer(request):
        asked.append(request.url.host)
        return httpx.Response(200, json=[], headers={"X-Next-Page": address})

    client = _client(answer)
    with pytest.raises(ContractError):
        list(follow_header(client, client.url("things"), resource="things"))
    assert asked == ["api.test"]


def test_redirect_is_not_followed():
    """Case 26: a redirect would carry the token along; it is a broken promise."""
    client = _client(lambda _: httpx.Response(302, headers={"Location": "https://evil.test/"}))
    with pytest.raises(ContractError):
        client.get(client.url("things"), resource="things")


@given(st.dictionaries(st.integers(0, 20), st.integers(0, 5), max_size=9))
def test_scopes_walked_together_keep_their_pages_apart(scopes):
    """Case 25: each scope gives all its pages in order, then its end; one that fails, its error."""

    def walk(scope, count):
        def pages():
            for page in range(count):
                yield Page([{"scope": scope, "page": page}], None, None)
            if count == 5:
                raise NotFound("gone", vendor="v", account="a", resource="r")

        return pages

    seen: dict[int, list] = {scope: [] for scope in scopes}
    for scope, page in together([(scope, walk(scope, n)) for scope, n in scopes.items()]):
        seen[scope].append(page)
    for scope, count in scopes.items():
        *pages, end = seen[scope]
        assert [page.records[0]["page"] for page in pages] == list(range(count))
        assert isinstance(end, NotFound) if count == 5 else end is None
