"""docs/adding-a-vendor.md, done: a copy of the project, with the vendor of that page added to it.

Nothing of it is in this process or in the checkout: the copy is a folder of its own, and what runs
there, this module's `story` and the contract suite, is run by a pytest of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import EXAMPLES, MINUTE, ROOT, assert_sound

# One process makes the copy.
pytestmark = pytest.mark.xdist_group("page")
PAGE = "docs/adding-a-vendor.md"
COPIED = (
    "sources", "transforms", "pipelines", "simulator", "tests", "docs", "pyproject.toml",
    "README.md", "CHANGELOG.md", "DECISIONS.md", ".dlt/config.toml", ".dlt/secrets.example.toml",
)  # fmt: skip
# A block belongs to the file its paragraph begins with.
_BLOCK = re.compile(
    r"^(At the end of )?`([\w./-]+)`(?:[^\n]|\n(?!\n))*:\n\n```(\w+)\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Of the contract suite what is most easily got wrong; with the switch of a long run, all of it.
_MOST = (
    "first_sync or quiet or restored_one or rejoining or deleted_list or mass or hidden or told "
    "or erased"
)
CONTRACT = "tableside" if EXAMPLES else f"tableside and ({_MOST})"
CHECKED = ("tableside", "loaded", "listed", "committed", "codes")


def follow(page: str, folder: Path) -> list[Path]:
    """Do in a project's folder what the page says; return the files that are new."""
    made = []
    for at_the_end, name, language, text in _BLOCK.findall(page):
        path = folder / name
        if at_the_end:
            path.write_text(f"{path.read_text()}\n{text}")
        elif language == "diff":
            for hunk in text.split("@@\n"):
                _apply(path, hunk.splitlines())
        else:
            assert not path.exists(), f"{name} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            made.append(path)
    return made


def _apply(path: Path, lines: list[str]) -> None:
    """Make one change: the lines without `+` are what is there, those without `-` what will be."""
    before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    text = path.read_text()
    assert text.count(before) == 1, f"the place of the page's diff is not in {path.name}: {before}"
    path.write_text(text.replace(before, after))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to which the page has been done, with one more test: `story`."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        (folder / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=lambda *_: {"__pycache__"})
        else:
            shutil.copy2(ROOT / name, folder / name)
    if (known := ROOT / ".mypy_cache").exists():
        # What `make check` has found out holds for what the copy has in common with us.
        shutil.copytree(known, folder / ".mypy_cache")
    made = follow((ROOT / PAGE).read_text(), folder)
    assert len(made) == 7
    (folder / "tests" / "test_story.py").write_text(
        "from tests.test_adding_a_vendor import story as test_story\n"
    )
    for page in ("dictionary", "fields"):
        run(folder, f"docs/{page}.py")
    return folder


def run(folder: Path, *arguments: str) -> str:
    """Run Python in the copy, which then is what every import finds; return what it printed."""
    # What is measured is the checkout.
    env = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    env["PYTHONPATH"] = str(folder)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def told(copy: Path) -> str:
    """What a pytest in the copy says of each test, the suites run by one process."""
    house = f"(test_architecture or test_docs) and ({' or '.join(CHECKED)})"
    chosen = f"test_story or (test_contract and {CONTRACT}) or ({house})"
    names = ("test_story.py", "contract", "test_architecture.py", "test_docs.py")
    suites = [f"tests/{name}" for name in names]
    return run(copy, "-m", "pytest", "-n0", "-rA", *suites, "-k", chosen)


def test_vendor_of_the_page_keeps_its_guests_history(told):
    """It is synced thrice, things happening in between, and core tells what happened."""
    assert "PASSED tests/test_story.py::test_story\n" in told


def test_vendor_of_the_page_passes_the_contract(told):
    """The suite every vendor has to pass takes it up by itself."""
    for word in _MOST.split(" or "):
        assert re.search(rf"PASSED tests/contract/.*{word}.*\[tableside", told), word
    assert "SKIPPED" not in told


def test_files_of_the_page_keep_to_the_house(copy, told):
    """They are formatted, linted, typed, import one way, are listed, documented, transpiled."""
    new = ("sources/tableside", "simulator/tableside.py")
    changed = ("sources/__init__.py", "simulator/core.py", "tests/contract/worlds.py")
    run(copy, "-m", "ruff", "format", "--no-cache", "--check", *new, *changed, "tests/truth.py")
    run(copy, "-m", "ruff", "check", "--no-cache", *new, *changed, "tests/truth.py")
    run(copy, "-m", "mypy", "--cache-dir=.mypy_cache", *new)
    for word in CHECKED:
        assert re.search(rf"PASSED tests/test_(architecture|docs).*{word}", told), word
    run(copy, "-m", "transforms.dialects")


class Tableside:
    """The vendor by this page's words alone: two guests a page, by rising id."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.guests: dict[int, dict[str, Any]] = {}
        self.unlisted: set[int] = set()

    def put(self, guest_id: int, name: str, *tags: str) -> None:
        """Make this a guest."""
        mail = f" {name.partition(' ')[0]}@Example.org"
        self.guests[guest_id] = {"id": guest_id, "name": name, "mail": mail, "tags": list(tags)}

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return httpx.Response(401)
        path = request.url.path.removeprefix("/v1/guests")
        if path:
            guest = self.guests.get(int(path.removeprefix("/")))
            return httpx.Response(200, json=guest) if guest else httpx.Response(404)
        listed = [self.guests[key] for key in sorted(self.guests.keys() - self.unlisted)]
        page = int(request.url.params["page"])
        pages = -(-len(listed) // 2)
        return httpx.Response(200, json={"guests": listed[2 * page - 2 : 2 * page], "pages": pages})


def story(project, clock, monkeypatch, tables):
    """Guests and their tags come, change, go and come back; nothing else is told of them."""
    from pipelines.sync import sync
    from sources.throttle import Timing

    example = tomllib.loads((ROOT / ".dlt" / "secrets.example.toml").read_text())
    secrets = example["sources"]["tableside"]
    for key, value in secrets.items():
        monkeypatch.setenv(f"SOURCES__TABLESIDE__{key.upper()}", value)
    vendor = Tableside(secrets["access_token"])

    def synced(**options: Any) -> Any:
        clock.advance(MINUTE)
        timing = Timing(clock.now, clock.sleep)
        transport = httpx.MockTransport(vendor.answer)
        outcome = sync(["tableside"], timing=timing, transport=transport, **options)
        assert (outcome.errors, outcome.exit_code) == ([], 0)
        assert_sound(tables)
        return outcome.published.keys

    def told(table: str, columns: str) -> list[tuple[Any, ...]]:
        return tables.rows(
            f"select {columns}, valid_to is null from core.{table}_history "
            f"where vendor = 'tableside' and tenant_id = 'default' order by {columns}, valid_from"
        )

    vendor.put(1, "Ada Quill", "vip", "window")
    vendor.put(2, "Ben Tan", "vip")
    vendor.put(3, "Cy Moss")
    synced()
    assert told("customer", "customer_id, full_name, email") == [
        ("1", "Ada Quill", "ada@example.org", True),
        ("2", "Ben Tan", "ben@example.org", True),
        ("3", "Cy Moss", "cy@example.org", True),
    ]
    assert told("list", "list_kind, list_id, name") == [
        ("tag", "vip", "vip", True), ("tag", "window", "window", True),
    ]  # fmt: skip
    assert told("membership", "list_kind, list_id, customer_id") == [
        ("tag", "vip", "1", True), ("tag", "vip", "2", True), ("tag", "window", "1", True),
    ]  # fmt: skip
    assert synced() == {}

    vendor.put(1, "Ada Pike", "window", "terrace")
    del vendor.guests[2], vendor.guests[3]["tags"]
    vendor.put(4, "Dee Li", "window")
    vendor.unlisted.add(3)
    synced()
    assert told("customer", "customer_id, full_name") == [
        ("1", "Ada Pike", True), ("1", "Ada Quill", False), ("2", "Ben Tan", False),
        ("3", "Cy Moss", True), ("4", "Dee Li", True),
    ]  # fmt: skip
    assert told("list", "list_id") == [("terrace", True), ("vip", False), ("window", True)]
    assert told("membership", "list_id, customer_id") == [
        ("terrace", "1", True), ("vip", "1", False), ("vip", "2", False), ("window", "1", True),
        ("window", "4", True),
    ]  # fmt: skip

    vendor.put(2, "Ben Tan", "vip")
    del vendor.guests[4], vendor.guests[1]["tags"]
    synced(full=True)
    assert told("customer", "customer_id") == [
        ("1", False), ("1", True), ("2", False), ("2", True), ("3", True), ("4", False),
    ]  # fmt: skip
    assert told("list", "list_id") == [
        ("terrace", True), ("vip", False), ("vip", True), ("window", True),
    ]  # fmt: skip
    assert told("membership", "list_id, customer_id") == [
        ("terrace", "1", True), ("vip", "1", False), ("vip", "2", False), ("vip", "2", True),
        ("window", "1", True), ("window", "4", False),
    ]  # fmt: skip
    assert synced(full=True) == {}
