"""docs/failure-cases.md names every case, tests that prove them, and mutants that still apply."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.conftest import ROOT
from tests.mutants import BEGINS, DOCUMENT, mutants, table

CASES, _, MADE = DOCUMENT.read_text("utf-8").partition(BEGINS)
_ROW = re.compile(r"^\| (\d+) \|.*\| (.*) \|$", re.MULTILINE)
ROWS = {int(case): cell for case, cell in _ROW.findall(CASES)}
_NAMED = re.compile(r"(?:Invariant \d+, )?[Cc]ases? (\d+(?:, \d+)*)")


def _tests(case: int) -> list[str]:
    """Return the tests a row names."""
    return re.findall(r"`(tests/[^`]+::\w+)`", ROWS[case])


@cache
def _docstrings(file: str) -> dict[str, str]:
    nodes = ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
    return {n.name: ast.get_docstring(n) or "" for n in nodes if isinstance(n, ast.FunctionDef)}


def test_every_case_has_its_row():
    """Sixty-two, in order, and each tells a test, or why there is none."""
    assert list(ROWS) == list(range(1, 63))
    assert [case for case in ROWS if not _tests(case) and "Open: " not in ROWS[case]] == []


@pytest.mark.parametrize("case", ROWS)
def test_tests_of_a_case_are_there_and_name_it(case):
    """A test that is renamed, or is about something else now, is missed."""
    for test in _tests(case):
        file, name = test.split("::")
        named = _NAMED.match(_docstrings(file)[name])
        assert named, test
        assert str(case) in named[1].split(", "), test


def test_every_mutant_applies_and_is_seen_by_a_test_of_its_case():
    """What is to be broken stands once in its file, as it stood when the test was seen to fail."""
    for mutant in mutants():
        assert mutant.applied(ROOT) != (ROOT / mutant.file).read_text("utf-8")
        assert mutant.test.partition("[")[0] in _tests(mutant.case), mutant.breaks


def test_every_case_with_a_test_has_a_mutant():
    """A test that was never seen to fail proves little."""
    assert {each.case for each in mutants()} == {case for case in ROWS if _tests(case)}


def test_table_of_mutants_is_the_files():
    """`python -m tests.mutants --write` makes it."""
    assert table() == MADE
