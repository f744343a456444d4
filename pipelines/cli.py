"""The command line: arguments in, exit code out. Everything heavy is loaded by the command."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from pipelines import project
from sources import VENDORS
from sources.errors import SyncError

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `regulars --help` lists them."""
    options = _parser().parse_args(argv)
    project.prepare()
    _log_to_stderr(verbose=options.verbose)
    run: Command = options.run
    try:
        return run(options)
    except SyncError as error:
        print(f"regulars: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except BrokenPipeError:
        return 0
    except Exception as error:
        if options.verbose:
            raise
        message = (
            f"regulars: an unexpected {type(error).__name__}; its text may hold a guest's data and "
            "is not shown. What was landed is kept; run again with -v to see it"
        )
        print(message, file=sys.stderr)  # noqa: T201
        return SyncError.exit_code
    except KeyboardInterrupt:
        message = "regulars: interrupted. What was landed is kept; run again to go on."
        print(message, file=sys.stderr)  # noqa: T201
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regulars",
        description="Brings customers, lists and memberships of a hospitality group's vendors "
        "into one warehouse.",
        epilog="Exit codes: 0 done, 2 configuration, 3 credential refused, 4 a vendor's answer "
        "broke a promise, or something nobody foresaw, 5 held for a person, 75 temporary, "
        "130 interrupted.",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say more of what happens")
    parser.set_defaults(verbose=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_runs(commands)
    _add_looks(commands)
    simulate = _add(commands, "simulate", "pretend the vendors on loopback")
    simulate.add_argument("--port", type=int, default=8350, help="0 for a free one")
    simulate.add_argument("--customers", type=int, default=1000)
    simulate.add_argument("--seed", type=int, default=7)
    demo = _add(commands, "demo", "two pretended days, from the vendors to SQL")
    demo.add_argument("--customers", type=int, default=2000, help=argparse.SUPPRESS)
    return parser


def _add_runs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that change something."""
    sync = _add(commands, "sync", "extract what changed, land it, publish core")
    _vendors(sync)
    sync.add_argument("--full", action="store_true", help="make every scan complete")
    allow = "apply removals beyond the guard"
    sync.add_argument("--allow-mass-delete", action="store_true", help=allow)
    backfill = _add(commands, "backfill", "read a window again; moves no watermark, removes nobody")
    backfill.add_argument("vendor", metavar="VENDOR", help=f"one of {', '.join(VENDORS)}")
    backfill.add_argument(
        "--from", dest="since", required=True, metavar="DATE", help="first day, UTC: 2026-03-01"
    )
    backfill.add_argument("--to", dest="until", metavar="DATE", help="last day; today if not given")
    erase = _add(commands, "erase", "erase customers for good, and let no scan bring them back")
    erase.add_argument("vendor", metavar="VENDOR", help=f"one of {', '.join(VENDORS)}")
    erase.add_argument("ids", nargs="+", metavar="ID", help="the vendor's id: core's customer_id")
    erase.add_argument("--tenant", metavar="TENANT_ID", help="where the vendor has several")
    erase.add_argument("--lift", action="store_true", help="let them in again; erases nothing")
    transform = _add(commands, "transform", "publish core from what is landed")
    transform.add_argument("--rebuild", action="store_true", help="from scratch")


def _add_looks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands that only look."""
    _vendors(_add(commands, "plan", "say what sync would ask and remove; write nothing"))
    _add(commands, "check", "credentials, clock skew and destination, before anything is read")
    status = _add(commands, "status", "freshness, last scans, rows, held removals")
    status.add_argument("--json", action="store_true", help="as JSON")
    query = _add(commands, "query", "run read-only SQL on the warehouse")
    query.add_argument("sql", metavar="SQL")
    query.add_argument("--format", choices=("table", "csv", "json", "parquet"), default="table")
    query.add_argument("--output", metavar="FILE", help="write there instead of standard output")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=_lazy(f"run_{name}"))
    said = "say more of what happens"
    command.add_argument(
        "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help=said
    )
    return command


def _vendors(command: argparse.ArgumentParser) -> None:
    text = f"only these: {', '.join(VENDORS)}; all that are configured if none is named"
    command.add_argument("vendors", nargs="*", metavar="VENDOR", help=text)


def _lazy(name: str) -> Command:
    """Return a command that loads its module only when it runs."""

    def run(options: argparse.Namespace) -> int:
        from pipelines import commands

        command: Command = getattr(commands, name)
        return command(options)

    return run


def _log_to_stderr(*, verbose: bool) -> None:
    """Log plain lines; the HTTP client's own, which name whole addresses, stay silent."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    logging.getLogger("regulars").setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
