"""The house's rules that a machine can check."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("sources", "pipelines", "transforms", "simulator")
MAY_IMPORT = {
    "pipelines": {"pipelines", "sources", "transforms"},
    "sources": {"sources"},
    "transforms": {"transforms"},
    "simulator": {"simulator"},
}
# The demo and the command that serves them are the only product code that knows the vendors are
# pretended.
MAY_PRETEND = {"pipelines/demo.py", "pipelines/commands.py"}


def _modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    """Sources and transforms know neither each other nor pipelines; vendors not one another."""
    name = path.relative_to(ROOT).as_posix()
    package, *inner = name.split("/")
    for imported in _imports(path):
        top, *rest = imported.split(".")
        if top in PACKAGES and not (top == "simulator" and name in MAY_PRETEND):
            assert top in MAY_IMPORT[package], imported
        if (
            package == "sources"
            and len(inner) > 1
            and rest
            and (ROOT / "sources" / rest[0]).is_dir()
        ):
            assert rest[0] == inner[0], imported


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path):
    """Modules to 300 lines, functions to 40 of code; docstrings are not counted against them."""
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = ast.get_docstring(node) is not None
            start = first.end_lineno if told and first.end_lineno else first.lineno
            assert (node.end_lineno or 0) - start <= 40, node.name


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_loaded_from_this_checkout(package):
    """Generic names: what is imported must be ours."""
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).resolve().parent == ROOT / package


def test_every_package_is_listed_for_installation():
    """Packages are named one by one in pyproject.toml; none is forgotten."""
    listed = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    )
    assert listed == {
        str(path.parent.relative_to(ROOT)).replace("/", ".")
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
    }


def test_what_is_installed_is_pinned_with_hashes_and_without_addresses():
    """The lock names versions and hashes, and no registry."""
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"https?://|--index-url|--find-links", text)
    pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==", text, re.MULTILINE)
    assert len(pins) > 30
    assert text.count("--hash=sha256:") >= len(pins)


@pytest.mark.parametrize("argument", ["--help", "sync --help"])
def test_help_is_there_at_once(argument):
    """Nothing heavy is loaded to say what the commands are."""
    code = (
        "import sys; sys.argv = ['regulars', *sys.argv[1:]]\n"
        "from pipelines.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'dlt', 'duckdb', 'pyarrow', 'httpx', 'rich'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *argument.split()], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    assert run.stdout.splitlines()[-1] == "[]"


def test_no_code_runs_at_import(tmp_path):
    """Importing every module prints nothing, writes nothing and starts nothing."""
    names = [
        str(path.relative_to(ROOT)).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for path in _modules()
    ]
    code = "import threading\n" + "\n".join(f"import {name}" for name in names)
    code += "\nassert threading.active_count() == 1"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path,
        env=dict(os.environ),
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_committed_settings_hold_no_secret_and_every_line_its_why():
    """config.toml explains itself, and holds no credential."""
    lines = (ROOT / ".dlt" / "config.toml").read_text().splitlines()
    settings = [line for line in lines if re.match(r"^\w[\w.]* = ", line)]
    assert settings
    assert not [line for line in settings if re.search(r"secret|token|client_id", line)]
