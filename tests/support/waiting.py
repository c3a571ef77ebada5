"""How tests wait: for what is to be seen, and never for a time. A busy machine only makes them longer.

`PATIENCE` bounds a wait that would not end, so it is far longer than any machine stalls. Where a time limit is tried,
the loop's own clock is moved (`skip`, `hurried`), or the limit ends with an event (`time_out_after`): then the machine
cannot be too slow for what has to come before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

__all__ = ["PATIENCE", "hurried", "skip", "time_out_after", "until", "wait_for"]

PATIENCE = 60.0

T = TypeVar("T")


async def until(condition: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.01) -> Any:
    """What the condition says, a function or coroutine function, once that is true."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return found
        assert time.monotonic() < end, "this takes too long"
        await asyncio.sleep(every)


def wait_for(condition: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.05) -> Any:
    """The same without a loop."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "this takes too long"
        time.sleep(every)
    return found


def skip(seconds: float) -> None:
    """Let the running loop's clock go forward: what it has timed for until then is due now."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]


async def hurried(work: Awaitable[T]) -> T:
    """The result of work for which ten seconds of the loop's clock pass in each hundredth of a real one."""
    task = asyncio.ensure_future(work)
    end = time.monotonic() + PATIENCE
    while not task.done():
        assert time.monotonic() < end, "this takes too long"
        skip(10)
        await asyncio.wait([task], timeout=0.01)
    return await task


@asynccontextmanager
async def time_out_after(event: asyncio.Event) -> AsyncIterator[None]:
    """`asyncio.timeout` whose time is over when the event comes. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:

        async def end() -> None:
            await event.wait()
            limit.reschedule(loop.time())

        ending = asyncio.create_task(end())
        try:
            yield
        finally:
            ending.cancel()
