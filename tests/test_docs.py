"""What the documents say is what the code does."""

from __future__ import annotations

import re
import runpy
from importlib import import_module

import pytest
import sqlglot

from pipelines.cli import main
from sources import VENDORS
from sources.errors import AuthError, ConfigError, ContractError, Held, Locked, Unavailable
from sources.records import Shape
from tests.conftest import ROOT
from transforms.model import ENTITIES, staging

README = (ROOT / "README.md").read_text()
DICTIONARY = (ROOT / "docs" / "dictionary.md").read_text()
PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


def shapes(vendor: str) -> dict[str, Shape]:
    """Return every table of a vendor's log by its name, children and the lists they name too."""
    found = {}
    for shape in import_module(f"{VENDORS[vendor]}.fields").SHAPES:
        found[shape.resource] = shape
        for child in shape.children:
            found |= {each.resource: each for each in (child.shape, child.lists) if each}
    return found


def fed(vendor: str) -> set[tuple[str, str, str]]:
    """Return (raw table, its column, column of core) of all that the staging SQL takes over."""
    found = set()
    for entity in ENTITIES:
        for query in staging(vendor, entity):
            tree = sqlglot.parse_one(query, read="duckdb")
            table = tree.find(sqlglot.exp.Table).name
            for each in tree.selects:
                for column in each.find_all(sqlglot.exp.Column):
                    found.add((table, column.name, f"{entity.view}.{each.alias_or_name}"))
    return found


@pytest.mark.parametrize("name", ["dictionary", "fields"])
def test_tables_of_the_docs_are_the_codes(name):
    """docs/dictionary.md and docs/fields.md are what the code would write."""
    made = runpy.run_path(str(ROOT / "docs" / f"{name}.py"))[name]()
    assert (ROOT / "docs" / f"{name}.md").read_text() == made, f"run python docs/{name}.py"


@pytest.mark.parametrize("vendor", VENDORS)
def test_dictionary_has_every_column_of_the_log(vendor):
    """Children's tables are in it as well, each column in its place."""
    for name, shape in shapes(vendor).items():
        table = DICTIONARY.split(f"## raw_{vendor}.{name}\n", 1)[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == shape.schema.names


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_field_says_where_it_goes(vendor):
    """A documented field names the columns of core it reaches, or says why it reaches none."""
    reached = {column for _, _, column in fed(vendor)}
    for name, shape in shapes(vendor).items():
        for each in (*shape.fields, *shape.derived):
            assert each.core, (name, each.column)
            if not each.core.startswith("none: "):
                named = set(re.findall(r"\w+\.\w+", each.core))
                assert named, (name, each.column)
                assert named <= reached, (name, each.column)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_staging_reads_is_said_to_be_read(vendor):
    """A field the staging SQL takes over names at least one of the columns it becomes."""
    becomes = {}
    for table, raw, core in fed(vendor):
        if not core.endswith(".op"):
            becomes.setdefault((table, raw), set()).add(core)
    for name, shape in shapes(vendor).items():
        for each in (*shape.fields, *shape.derived):
            columns = becomes.get((name, each.column))
            said = set(re.findall(r"\w+\.\w+", each.core))
            assert columns is None or columns & said, (name, each.column)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError, 2),
        (AuthError, 3),
        (ContractError, 4),
        (Held, 5),
        (Unavailable, 75),
        (Locked, 75),
    ],
)
def test_exit_codes_are_the_documented_ones(error, code):
    """The README's table and the classes agree."""
    assert error.exit_code == code
    assert f"| {code} |" in README


def test_commands_of_the_changelog_exist(capsys):
    """Every command the CHANGELOG names answers --help."""
    line = next(
        x for x in (ROOT / "CHANGELOG.md").read_text().splitlines() if "`regulars sync`" in x
    )
    for name in re.findall(r"`(?:regulars )?(\w+)`", line):
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Every relative link in the README and in docs/ is a file."""
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_make_targets_of_the_readme_exist():
    """Every `make x` in the README is a target."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", README)) <= targets


def test_decisions_stay_short():
    """A decision has ten lines at most."""
    for decision in (ROOT / "DECISIONS.md").read_text().split("\n## ")[1:]:
        assert len(decision.strip().splitlines()) <= 11
