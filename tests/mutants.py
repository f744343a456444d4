"""Breaks the product on purpose, one mechanism at a time, and sees that a test goes red.

`python -m tests.mutants` (`make mutants`) takes every entry of `mutants.toml`: in a copy of the
project, the text is replaced and the named test is run. It has to pass unbroken and to fail broken.
`--only 17` takes one case, `--at-once` says how many are tried side by side, `--write` puts the
table of all entries into docs/failure-cases.md instead.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[1]
TABLE, DOCUMENT = ROOT / "tests" / "mutants.toml", ROOT / "docs" / "failure-cases.md"
BEGINS = "<!-- made by python -m tests.mutants --write -->\n"
_PATIENCE = 120  # seconds, and half a minute for each test
# What pytest ends with when tests have failed; whatever else it ends with proves nothing.
_RED = 1


@dataclass(frozen=True)
class Mutant:
    """One mechanism and how it is broken.

    Attributes:
        case: The number in docs/failure-cases.md.
        breaks: What the product does then.
        file: Where the mechanism is.
        text: What stands there, once in the file.
        becomes: What is put in its place.
        test: The test that goes red.
    """

    case: int
    breaks: str
    file: str
    text: str
    becomes: str
    test: str

    def applied(self, folder: Path) -> str:
        """Return the file's text, broken.

        Raises:
            ValueError: What is to be replaced does not stand there just once.
        """
        whole = (folder / self.file).read_text("utf-8")
        if (found := whole.count(self.text)) != 1:
            raise ValueError(f"case {self.case}: {found} times in {self.file}: {self.text!r}")
        return whole.replace(self.text, self.becomes)


def mutants() -> list[Mutant]:
    """Return every entry of the table, by case."""
    entries = tomllib.loads(TABLE.read_text("utf-8"))["mutant"]
    return sorted((Mutant(**entry) for entry in entries), key=lambda each: each.case)


def table() -> str:
    """Return all entries as Markdown."""
    lines = ["| case | broken so that | in | seen by |", "|---:|---|---|---|"]
    lines += [f"| {m.case} | {m.breaks} | `{m.file}` | `{m.test}` |" for m in mutants()]
    return "\n".join(lines) + "\n"


class Copies:
    """Copies of the project, one for each that works at the same time."""

    def __init__(self, folder: Path, count: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        files = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        for number in range(count):
            copy = folder / str(number)
            for name in filter(None, files):
                if (ROOT / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, copy / name)
            self._free.put(copy)

    @contextmanager
    def one(self) -> Iterator[Path]:
        """Lend a copy."""
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)


def run(folder: Path, tests: Sequence[str]) -> int:
    """Run tests in a copy; return what pytest ends with, 0 if all pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed=0", f"--basetemp={folder}.tmp", *tests]
    patience = _PATIENCE + 30 * len(tests)
    try:
        return subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=patience,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return _RED


def attempt(mutant: Mutant, copies: Copies) -> str:
    """Break the product in one way; return how the test took it."""
    with copies.one() as folder:
        file = folder / mutant.file
        try:
            whole, broken = file.read_text("utf-8"), mutant.applied(folder)
        except (ValueError, FileNotFoundError):
            return "does not apply"
        file.write_text(broken, "utf-8")
        code = run(folder, [mutant.test])
        file.write_text(whole, "utf-8")
    return {_RED: "killed", 0: "SURVIVES"}.get(code, f"pytest ended {code}")


def unsound(tests: Sequence[str], folder: Path) -> list[str]:
    """Return the tests that fail though nothing is broken, by halves and halves of halves."""
    if not tests or not run(folder, tests):
        return []
    if len(tests) == 1:
        return [*tests]
    middle = len(tests) // 2
    return unsound(tests[:middle], folder) + unsound(tests[middle:], folder)


def tried(chosen: Sequence[Mutant], at_once: int) -> Iterator[tuple[Mutant, str]]:
    """Yield each with how it ended, so many at a time; `killed` is what it should be."""
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        ThreadPoolExecutor(at_once) as pool,
    ):
        copies = Copies(Path(folder), at_once)

        def sound(tests: Sequence[str]) -> set[str]:
            with copies.one() as copy:
                return {*tests} - {*unsound(tests, copy)}

        tests = sorted({each.test for each in chosen})
        shares = pool.map(sound, (tests[at::at_once] for at in range(at_once)))
        green = set[str]().union(*shares)

        def end(each: Mutant) -> str:
            return attempt(each, copies) if each.test in green else "fails unbroken"

        yield from zip(chosen, pool.map(end, chosen), strict=True)


def main() -> int:
    """Try the entries that are asked for; return 0 if every one is killed."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--only", type=int, help="a case")
    arguments.add_argument("--at-once", type=int, default=2, help="how many side by side")
    arguments.add_argument(
        "--write", action="store_true", help="write the document's table instead"
    )
    asked = arguments.parse_args()
    if asked.write:
        kept = DOCUMENT.read_text("utf-8").partition(BEGINS)[0]
        DOCUMENT.write_text(kept + BEGINS + table(), "utf-8")
        return 0
    chosen = [each for each in mutants() if asked.only in (None, each.case)]
    killed = 0
    for each, end in tried(chosen, asked.at_once):
        killed += end == "killed"
        _say(f"{each.case:4}  {end:16} {each.file:32} {each.breaks}")
    _say(f"{killed} of {len(chosen)} killed")
    return 0 if chosen and killed == len(chosen) else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
