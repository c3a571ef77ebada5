"""Child processes that end with their parent, the event loop they use, and how much memory one has needed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "Child",
    "child",
    "config_from_parent",
    "ended_by_parent",
    "line_from_parent",
    "loop_factory",
    "on_one_core",
    "peak_memory",
    "running",
    "serving",
    "tell_parent",
]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

_LONGEST = 1800.0
"""Seconds after which a server or a child is given up, whatever happens."""


def loop_factory(uvloop_wanted: bool) -> LoopFactory | None:
    """uvloop's, where it is wanted and installed; None is asyncio's own."""
    if not uvloop_wanted:
        return None
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    factory: LoopFactory = uvloop.new_event_loop
    return factory


class Child:
    """A module in a process of its own; lines go both ways. It ends with its parent, and after half an hour."""

    def __init__(self, module: str, config: Mapping[str, Any]) -> None:
        # -P and the parent's own search path: the child runs the very same code
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._guard = threading.Timer(_LONGEST, self._process.kill)
        self._guard.daemon = True
        self._guard.start()
        self.tell(json.dumps(config))

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """The child's next line; blocks."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._module} failed")
        return line

    async def answer(self) -> Any:
        """The JSON value in the child's next line."""
        return json.loads(await asyncio.to_thread(self.hear))

    def end(self) -> None:
        """Close the child's input, which ends it; kill it if it does not."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.cancel()
        self._process.stdout.close()


@contextlib.contextmanager
def running(module: str, config: Mapping[str, Any]) -> Iterator[Child]:
    """Run a module in a process of its own while the body runs."""
    found = Child(module, config)
    try:
        yield found
    finally:
        found.end()


@contextlib.contextmanager
def serving(module: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Run a server module in a process of its own; gives its base URL."""
    with running(module, config) as server:
        yield server.hear()


async def child(module: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module to its end in a fresh process; gives the JSON object it prints."""
    with running(module, config) as started:
        found: dict[str, Any] = await started.answer()
    return found


def config_from_parent() -> dict[str, Any]:
    """In a child: what the parent gave it."""
    found: dict[str, Any] = json.loads(sys.stdin.readline())
    return found


async def line_from_parent() -> str:
    """In a child: the parent's next line; empty when the parent is gone."""
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


def tell_parent(text: str) -> None:
    """In a child: one line to the parent."""
    print(text, flush=True)


@contextlib.asynccontextmanager
async def ended_by_parent() -> AsyncIterator[asyncio.Event]:
    """In a server: an event that is set when the parent closes the pipe or dies, or after half an hour."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        sys.stdin.read()
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait, daemon=True).start()
    timer = loop.call_later(_LONGEST, over.set)
    try:
        yield over
    finally:
        timer.cancel()


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


def peak_memory() -> float:
    """The most memory this process has held at a time (resident), in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux hands ru_maxrss of the starting process on to the started one; VmHWM begins anew
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
