"""A batch's payouts spread over two worker processes: each pays its own shard, both start together.

As a module it is one of the workers: it pays through the SDK's client, signing with cryptography.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from .cases import FAMILIES, Bench, case
from .measure import Budget, drive, warm_up
from .processes import Child, config_from_parent, line_from_parent, loop_factory, running, tell_parent

__all__ = ["WORKERS", "pay_in_shards", "workers"]

WORKERS = 2


@contextlib.contextmanager
def workers(bench: Bench, *, uvloop: bool) -> Iterator[list[Child]]:
    """The worker processes, started. Together they keep as many payouts in flight as one process does elsewhere."""
    share = max(1, bench.concurrency // WORKERS)
    with contextlib.ExitStack() as stack:
        children = [
            stack.enter_context(
                running(
                    "benchmarks.workers",
                    {"url": bench.url, "pem": bench.pem, "concurrency": share, "shard": number, "uvloop": uvloop},
                )
            )
            for number in range(WORKERS)
        ]
        for child in children:
            child.hear()
        yield children


async def pay_in_shards(children: Sequence[Child], family: str, payouts: int) -> float:
    """Payouts a second of all workers: all payouts, from the first start to the last end."""
    for child in children:
        child.tell(json.dumps({"family": family, "payouts": payouts // len(children)}))
    for child in children:  # connections and threads are there, in all of them, before one starts
        await child.answer()
    for child in children:
        child.tell("go")
    shards = [await child.answer() for child in children]
    seconds = max(shard["ended"] for shard in shards) - min(shard["started"] for shard in shards)
    return float(sum(shard["payouts"] for shard in shards) / seconds)


async def _work(config: dict[str, Any]) -> None:
    bench = Bench(url=config["url"], pem=config["pem"], concurrency=config["concurrency"])
    async with contextlib.AsyncExitStack() as stack:
        ways = {
            family: await stack.enter_async_context(case(f"{family}.sdk_cryptography").open(bench))
            for family in FAMILIES
        }
        tell_parent('"here"')
        while line := await line_from_parent():
            order = json.loads(line)
            way = ways[order["family"]]

            def pay(order_id: str) -> Any:
                return way(f"S{config['shard']}{order_id}")  # noqa: B023 - it is not used after its turn

            await warm_up(pay, bench.concurrency)
            tell_parent('"ready"')
            if not await line_from_parent():
                return
            found = await drive(pay, Budget(payouts=order["payouts"]), bench.concurrency)
            tell_parent(json.dumps({"payouts": found.payouts, "started": found.started, "ended": found.ended}))


if __name__ == "__main__":
    given = config_from_parent()
    with asyncio.Runner(loop_factory=loop_factory(given["uvloop"])) as runner:
        runner.run(_work(given))
