"""A batch's payouts spread over two worker processes: each pays its own shard, both start together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Iterator, Sequence
from multiprocessing.connection import Connection

import attrs

from paycools_async.signing.openssl import OpenSSLSigner

from .cases import FAMILIES, Bench, sdk
from .measure import drive
from .processes import heard, run, running

WORKERS = 2


@contextlib.contextmanager
def workers(bench: Bench, *, uvloop: bool) -> Iterator[list[Connection]]:
    """The worker processes, started. Together they keep as many payouts in flight as one process does elsewhere."""
    share = attrs.evolve(bench, concurrency=max(1, bench.concurrency // WORKERS))
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(running(_process, share, f"S{number}", uvloop)) for number in range(WORKERS)]


async def pay_in_shards(pipes: Sequence[Connection], family: str, payouts: int) -> float:
    """Seconds for each payout of all workers, from the first start to the last end."""
    share = payouts // len(pipes)
    for word in ((family, share), "go"):  # both have warmed up before one starts
        for pipe in pipes:
            pipe.send(word)
        answers = [await heard(pipe) for pipe in pipes]
    started, ended = zip(*answers, strict=True)
    return float(max(ended) - min(started)) / (share * len(pipes))


def _process(pipe: Connection, bench: Bench, prefix: str, uvloop: bool) -> None:
    with contextlib.suppress(EOFError):
        run(_work(pipe, bench, prefix), uvloop=uvloop)


async def _work(pipe: Connection, bench: Bench, prefix: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        ways = {}
        for family in FAMILIES:
            ways[family] = await stack.enter_async_context(sdk(bench, family, signer=OpenSSLSigner(bench.key)))
        while True:
            family, payouts = await heard(pipe)

            def pay(order_id: str, family: str = family) -> Awaitable[object]:
                return ways[family](prefix + order_id)

            await drive(pay, bench.concurrency, payouts=bench.concurrency)
            pipe.send("ready")
            await heard(pipe)
            started = time.monotonic()  # a clock that all processes of the machine share
            await drive(pay, bench.concurrency, payouts=payouts)
            pipe.send((started, time.monotonic()))
