"""Functions in processes of their own that end with their parent, held to one core, and the memory they needed."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_SPAWN = multiprocessing.get_context("spawn")  # a fresh interpreter: nothing of the parent's memory is counted
_PATIENCE = 10.0


def run(main: Coroutine[Any, Any, T], *, uvloop: bool) -> T:
    """Run a coroutine on uvloop, where it is wanted and installed, else on asyncio's own loop."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if uvloop:
        with contextlib.suppress(ModuleNotFoundError):
            from uvloop import new_event_loop

            factory = new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


@contextlib.contextmanager
def running(work: Callable[..., None], *given: Any) -> Iterator[Connection]:
    """`work(pipe, *given)` in a process of its own while the body runs; gives the other end of the pipe."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=work, args=(theirs, *given), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()  # the end, for whoever listens there
        process.join(_PATIENCE)
        process.kill()
        process.join()


async def heard(pipe: Connection) -> Any:
    """The next word from the other side. Raises EOFError where it has closed the pipe, or died."""
    return await asyncio.to_thread(pipe.recv)


async def until_told(pipe: Connection) -> None:
    """In a server: wait until the parent closes the pipe, or dies."""
    with contextlib.suppress(EOFError):
        await heard(pipe)


async def alone(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function gives in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=_SPAWN) as pool:
        return await asyncio.wrap_future(pool.submit(work, *args, **kwargs))


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Hold all threads of this process to one core while the body runs; where the system cannot, nothing is held.

    Two virtual cores are often two halves of one real core: there a signature takes up to 1.7 times the processor time
    while the other half is busy. Threads that never run at the same time do not slow each other down.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    _hold_to({min(before)})
    try:
        yield
    finally:
        _hold_to(before)


def _hold_to(cores: set[int]) -> None:
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(thread), cores)


def peak_memory() -> int:
    """The most memory this process has held at a time (resident), in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands ru_maxrss of the starting process on to the started one; VmHWM begins anew
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
