"""What the documents say is what the code does."""

from __future__ import annotations

import re
import runpy

import pytest

from pipelines.cli import main
from sources.errors import AuthError, ConfigError, ContractError, Held, Locked, Unavailable
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def test_dictionary_is_the_codes():
    """docs/dictionary.md is what the code would write."""
    made = runpy.run_path(str(ROOT / "docs" / "dictionary.py"))["dictionary"]()
    assert (ROOT / "docs" / "dictionary.md").read_text() == made


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


def test_links_of_the_readme_lead_somewhere():
    """Every relative link in the README is a file."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_make_targets_of_the_readme_exist():
    """Every `make x` in the README is a target."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make (\w+)", README)) <= targets


def test_decisions_stay_short():
    """A decision has ten lines at most."""
    for decision in (ROOT / "DECISIONS.md").read_text().split("\n## ")[1:]:
        assert len(decision.strip().splitlines()) <= 11
