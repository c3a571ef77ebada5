"""`python -m benchmarks`, and its commands: show, compare, instructions, soak, submit, ledger."""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs

from . import instructions, peers
from .processes import run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("benchmarks", description="Measure the SDK against a stub on this machine.")
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten; rougher")
    parser.add_argument("--no-uvloop", action="store_true", help="use asyncio's own event loop")
    parser.add_argument("--bits", type=int, default=2048, metavar="N", help="of the RSA key: 2048, or 4096")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="sizes of the growth runs")
    parser.add_argument("--peers", action="store_true", help="other SDKs beside this one (pip install stripe openai)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where results go (benchmark-results/<time>)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    shown = commands.add_parser("show", help="the tables and charts of a kept run")
    shown.add_argument("kept", type=Path, metavar="A.json")
    two = commands.add_parser("compare", help="two runs side by side, by pyperf")
    two.add_argument("first", metavar="A.json")
    two.add_argument("second", metavar="B.json")
    counted = commands.add_parser("instructions", help="machine instructions of one call, by valgrind")
    counted.add_argument("--against", type=Path, metavar="INSTRUCTIONS.json", help="a kept run, shown beside it")
    counted.add_argument("--part", choices=list(instructions.PARTS), action="append", dest="parts")
    long = commands.add_parser("soak", help="pay a large batch into a sandbox that fails, and check every payout")
    long.add_argument("--rows", type=int, default=20_000, metavar="N", dest="soak_rows")
    long.add_argument("--concurrency", type=int, default=200, metavar="N")
    long.add_argument("--no-uvloop", action="store_true", default=argparse.SUPPRESS)
    durable = commands.add_parser("submit", help="what a durable submission costs")
    durable.add_argument("places", nargs="*", metavar="postgresql://...", help="databases, beside a SQLite file")
    shared = commands.add_parser("ledger", help="1, 2 and 4 workers on one PostgreSQL ledger")
    shared.add_argument("place", metavar="postgresql://...", help="a database; schemas are made in it, and dropped")
    shared.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    shared.add_argument("--payouts", type=int, default=2400, metavar="N")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where the soak found a payout that is not as it should be; 2 where packages or programs are missing."""
    given = _parser().parse_args(arguments)
    uvloop = not given.no_uvloop
    folder = given.out or Path("benchmark-results", f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    if given.command in (None, "show", "compare") and importlib.util.find_spec("pyperf") is None:
        print("pyperf is not installed: pip install -e '.[bench]'", file=sys.stderr)
        return 2
    match given.command:
        case "compare":
            command = [sys.executable, "-m", "pyperf", "compare_to", "--table", given.first, given.second]
            return subprocess.run(command, check=False).returncode
        case "instructions":
            return _count(given, folder)
        case "soak":
            from .soak import soak

            return run(soak(given.soak_rows, given.concurrency, uvloop=uvloop), uvloop=uvloop)
        case "submit":
            from .submit import submit

            run(submit(given.places), uvloop=False)
            return 0
        case "ledger":
            from .ledger import measure

            run(measure(given.place, given.workers, given.payouts), uvloop=False)
            return 0
        case _:
            return _measure(given, folder, uvloop=uvloop)


def _count(given: argparse.Namespace, folder: Path) -> int:
    if advice := instructions.missing():
        print(advice, file=sys.stderr)
        return 2
    before = instructions.against(given.against) if given.against else None
    counts = instructions.count(given.parts or list(instructions.PARTS))
    print(instructions.table(counts, before))
    print(f"\n{instructions.write(counts, folder)}")
    return 0


def _measure(given: argparse.Namespace, folder: Path, *, uvloop: bool) -> int:
    """A whole run, or one that was kept, as tables and charts."""
    from . import charts, results, targets
    from .suite import FULL, QUICK, run_suite

    if advice := peers.advice() if given.peers else None:
        print(advice, file=sys.stderr)
        return 2
    if given.command == "show":
        found = results.Figures.read(given.kept)
    else:
        plan = attrs.evolve(QUICK if given.quick else FULL, uvloop=uvloop, bits=given.bits)
        plan = attrs.evolve(plan, sizes=tuple(given.rows or plan.sizes), peer_calls=300 if given.peers else 0)
        if plan.counted and (advice := instructions.missing()):
            print(advice, file=sys.stderr)
            plan = attrs.evolve(plan, counted=())
        say, keep = partial(print, file=sys.stderr), partial(results.Figures.write, folder=folder)
        found = run(run_suite(plan, say, keep), uvloop=uvloop)
        found.write(folder)
    print(results.tables(found, targets.table(targets.targets(found))))
    print(f"\n{given.kept if given.command == 'show' else folder / 'performance.json'}")
    if advice := charts.missing():
        print(advice, file=sys.stderr)
    else:
        print(*charts.draw(found, folder), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
