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

__all__ = ["child", "config_from_parent", "ended_by_parent", "loop_factory", "peak_memory", "serving", "tell_parent"]

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


def _start(module: str, config: Mapping[str, Any]) -> subprocess.Popen[str]:
    # -P and the parent's own search path: the child runs the very same code
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(config) + "\n")
    process.stdin.flush()
    return process


def _end(process: subprocess.Popen[str]) -> None:
    """Close the child's input, which ends it; kill it if it does not."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


@contextlib.contextmanager
def serving(module: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Run a server module in a process of its own; gives its base URL."""
    process = _start(module, config)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"{module} did not start")
        yield url
    finally:
        _end(process)


async def child(module: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module to its end in a fresh process; gives the JSON object it prints."""

    def run() -> dict[str, Any]:
        process = _start(module, config)
        guard = threading.Timer(_LONGEST, process.kill)
        guard.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} failed")
            found: dict[str, Any] = json.loads(line)
            return found
        finally:
            guard.cancel()
            _end(process)

    return await asyncio.to_thread(run)


def config_from_parent() -> dict[str, Any]:
    """In a child: what the parent gave it."""
    found: dict[str, Any] = json.loads(sys.stdin.readline())
    return found


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
