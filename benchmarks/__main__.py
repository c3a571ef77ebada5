"""`python -m benchmarks`, and its commands: instructions, compare A.json B.json, soak."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import attrs

from . import charts, instructions, peers, report
from .compare import compare
from .measure import Budget
from .processes import loop_factory
from .soak import soak
from .suite import Plan, run_suite

__all__ = ["main"]

QUICK = Plan(
    rounds=2,
    budget=Budget(seconds=0.3),
    batch_rows=200,
    batch_turns=1,
    shard_payouts=300,
    calls=1000,
    callback_turns=10,
    web_seconds=0.6,
    web_rows=300,
    sizes=(200, 1000),
    imports=5,
)
FULL = Plan(
    rounds=7,
    budget=Budget(seconds=0.6),
    batch_rows=600,
    batch_turns=4,
    shard_payouts=1200,
    calls=2000,
    callback_turns=20,
    web_seconds=2.0,
    web_rows=800,
    sizes=(1000, 20_000),
    imports=15,
)
PEER_CALLS = 300


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("benchmarks", description="Measure the SDK against a stub on this machine.")
    parser.add_argument("--quick", action="store_true", help="about 40 seconds instead of 6 minutes; rougher figures")
    parser.add_argument("--no-uvloop", action="store_true", help="use asyncio's own event loop")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="sizes of the growth runs")
    parser.add_argument("--peers", action="store_true", help="other SDKs beside this one (pip install stripe openai)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where results go (benchmark-results/<time>)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    two = commands.add_parser("compare", help="two runs side by side")
    two.add_argument("first", type=Path, metavar="A.json")
    two.add_argument("second", type=Path, metavar="B.json")
    long = commands.add_parser("soak", help="pay a large batch into a sandbox that fails, and check every payout")
    long.add_argument("--rows", type=int, default=20_000, metavar="N", dest="soak_rows")
    long.add_argument("--concurrency", type=int, default=200, metavar="N")
    long.add_argument("--no-uvloop", action="store_true", default=argparse.SUPPRESS)
    counted = commands.add_parser("instructions", help="machine instructions of one call, by valgrind")
    counted.add_argument("--against", type=Path, metavar="INSTRUCTIONS.json", help="a kept run, shown beside it")
    counted.add_argument("--part", choices=[part.id for part in instructions.PARTS], action="append", dest="parts")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where the soak found a payout that is not as it should be; 2 where packages or programs are missing."""
    given = _parser().parse_args(arguments)
    if given.command == "compare":
        print(compare(given.first, given.second))
        return 0
    if given.command == "instructions":
        return _count(given)
    if given.peers and (advice := peers.advice()):
        print(advice, file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=loop_factory(not given.no_uvloop)) as runner:
        if given.command == "soak":
            return runner.run(soak(given.soak_rows, given.concurrency, uvloop=not given.no_uvloop))
        runner.run(_measure(given))
    return 0


def _folder(given: argparse.Namespace) -> Path:
    return given.out or Path("benchmark-results", f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def _count(given: argparse.Namespace) -> int:
    if advice := instructions.missing():
        print(advice, file=sys.stderr)
        return 2
    before = instructions.against(given.against) if given.against else None
    counts = instructions.count(tuple(given.parts or [part.id for part in instructions.PARTS]))
    print(instructions.table(counts, before))
    print(f"\n{instructions.write(instructions.as_json(counts), _folder(given))}")
    return 0


async def _measure(given: argparse.Namespace) -> None:
    chosen = QUICK if given.quick else FULL
    plan = attrs.evolve(
        chosen,
        sizes=tuple(given.rows or chosen.sizes),
        peer_calls=PEER_CALLS if given.peers else 0,
        uvloop=not given.no_uvloop,
    )
    load = report.load()
    results = await run_suite(plan, lambda text: print(text, file=sys.stderr))
    found = report.as_json(results, plan, load)
    print(report.tables(found))
    folder = _folder(given)
    print(f"\n{report.write(found, folder)}")
    if advice := charts.missing():
        print(advice, file=sys.stderr)
    else:
        print(*charts.draw(found, folder), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
