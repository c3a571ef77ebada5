"""How commands run and speak: one loop, one line for an expected error, no traceback, no account data."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import typer

from ..batch import FileError
from ..errors import PayCoolsError, first_of

__all__ = ["failing_clearly", "on_signals", "say", "say_error"]

INTERRUPTED = 130


def say(text: str = "") -> None:
    typer.echo(text)


def say_error(text: str) -> None:
    typer.echo(text, err=True)


def failing_clearly(command: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run a command on a loop (uvloop where installed) and exit with its code; expected errors are one line and 2."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(command())
    except (PayCoolsError, FileError) as error:
        say_error(f"error: {error}")
        code = 2
    except BaseExceptionGroup as group:
        expected, other = group.split((PayCoolsError, FileError))
        if other is not None or expected is None:
            raise
        say_error(f"error: {first_of(expected)}")
        code = 3  # it came up while the batch ran: what was sent is in the ledger
    except KeyboardInterrupt:
        say_error("interrupted")
        code = INTERRUPTED
    raise typer.Exit(code)


@contextlib.contextmanager
def on_signals(react: Callable[[], None]) -> Iterator[None]:
    """Call `react` on the loop at every Ctrl-C and SIGTERM while the body runs."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with contextlib.suppress(NotImplementedError):  # not on Windows
            loop.add_signal_handler(number, react)
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
