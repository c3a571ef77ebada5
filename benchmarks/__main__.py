"""`python -m benchmarks` and `python -m benchmarks soak`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from .measure import Budget
from .processes import loop_factory
from .report import as_json, table, write
from .soak import soak
from .suite import Plan, run_suite

__all__ = ["main"]

QUICK = Plan(rounds=1, budget=Budget(seconds=1.0), batch_rows=400, overhead_calls=2000, sizes=(200, 1000))
FULL = Plan(rounds=5, budget=Budget(seconds=1.2), batch_rows=600, overhead_calls=2000, sizes=(1000, 5000))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("benchmarks", description="Measure the SDK against a stub on this machine.")
    parser.add_argument("--quick", action="store_true", help="about 20 seconds instead of 90; rougher figures")
    parser.add_argument("--no-uvloop", action="store_true", help="use asyncio's own event loop")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="sizes of the growth runs")
    parser.add_argument("--out", type=Path, default=Path("benchmark-results"), metavar="DIR", help="where results go")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    long = commands.add_parser("soak", help="pay a large batch into a sandbox that fails, and check every payout")
    long.add_argument("--rows", type=int, default=20_000, metavar="N", dest="soak_rows")
    long.add_argument("--concurrency", type=int, default=200, metavar="N")
    long.add_argument("--no-uvloop", action="store_true", default=argparse.SUPPRESS)
    return parser


def main() -> int:
    """0, or 1 where the soak found a payout that is not as it should be."""
    given = _parser().parse_args()
    with asyncio.Runner(loop_factory=loop_factory(not given.no_uvloop)) as runner:
        if given.command == "soak":
            return runner.run(soak(given.soak_rows, given.concurrency, uvloop=not given.no_uvloop))
        return runner.run(_measure(given))


async def _measure(given: argparse.Namespace) -> int:
    chosen = QUICK if given.quick else FULL
    plan = Plan(
        rounds=chosen.rounds,
        budget=chosen.budget,
        batch_rows=chosen.batch_rows,
        overhead_calls=chosen.overhead_calls,
        sizes=tuple(given.rows or chosen.sizes),
        uvloop=not given.no_uvloop,
    )
    found = as_json(await run_suite(plan, lambda text: print(text, file=sys.stderr)), plan)
    print(table(found))
    path, chart = write(found, given.out)
    print(f"\n{path}" + (f"\n{chart}" if chart else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
