"""How commands run, speak and end: one loop, one line for whatever goes wrong, no traceback, no account data.

Exit codes: 0 all settled; 1 some payouts failed, and nothing else; 2 nothing was sent; 3 unresolved; 4 broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import typer

from ..batch import FileError
from ..batch.ledger import base as protocol
from ..errors import PayCoolsError, first_of
from ..texts import shown_text

__all__ = [
    "BAD_INPUT",
    "BROKEN",
    "UNRESOLVED",
    "Broken",
    "Unfinished",
    "echo",
    "echo_error",
    "exit_code_of",
    "from_here_on_something_may_be_sent",
    "on_signals",
    "plain",
    "report_failure",
    "run_command",
]

BAD_INPUT = 2
UNRESOLVED = 3
BROKEN = 4

_EXPECTED = (PayCoolsError, FileError)
_INTERRUPTIONS = (KeyboardInterrupt, asyncio.CancelledError, typer.Abort)
_LOCKS: tuple[type[BaseException], ...] = tuple(
    found for found in (getattr(protocol, "LedgerLockError", None),) if found is not None
)
_TYPER_INTERRUPTED = 130
_decided: int | None = None
_may_have_sent = False


def from_here_on_something_may_be_sent() -> None:
    """Whatever interrupts the command later must not say that nothing was sent."""
    global _may_have_sent
    _may_have_sent = True


class Broken(Exception):
    """This machine failed, not the payouts: a stream, a folder, a lock."""


class Unfinished(Exception):
    """A run was cut short after a yes: payouts may have been sent, and the ledger knows which."""


def echo(text: str = "") -> None:
    """Print a line. Raises Broken where nobody can read it."""
    if sys.stdout is None:
        raise Broken("standard output is closed")
    text = _line(text)
    try:
        try:
            typer.echo(text)
        except UnicodeEncodeError:
            typer.echo(text.encode("ascii", "backslashreplace").decode("ascii"))
    except (OSError, ValueError) as error:
        raise Broken(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}") from None


def echo_error(text: str) -> None:
    """Print a line to standard error. Never fails: it is called where a run is being stopped."""
    with contextlib.suppress(OSError, ValueError):
        typer.echo(_line(text), err=True)


_MOST = 8_000
_COLOUR = re.compile(r"(\x1b\[[0-9;]{1,10}m)")


def _line(text: str) -> str:
    """What is printed is one line, whatever words of others are in it; only our colours and a first line break stay."""
    before = "\n" if text.startswith("\n") else ""
    parts = _COLOUR.split(text[len(before) : _MOST])
    return before + "".join(part if place % 2 else shown_text(part, _MOST) for place, part in enumerate(parts))


def plain(text: str) -> str:
    """Another person's words (a file's name, a name) as they may be shown."""
    return shown_text(text)


def run_command(command: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run a command on a loop (uvloop where installed) and exit with its code; whatever goes wrong is one line."""
    global _decided, _may_have_sent
    _may_have_sent = False
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(_terminable(command))
    except typer.Exit as end:
        code = end.exit_code
    except BaseException as error:
        if hasattr(error, "format_message"):  # a wrong option: typer shows it, with the usage
            raise
        code = report_failure(error)
    _decided = code = _flushed(code)
    raise typer.Exit(code)


def exit_code_of(found: object) -> int:
    """What the process exits with: 1 only where a command decided so, never for a fault that typer came upon."""
    code = found if isinstance(found, int) else 0 if found is None else BROKEN
    if code == _TYPER_INTERRUPTED:  # before a command began or after it ended, and without a word
        code = report_failure(KeyboardInterrupt())
    return _flushed(code if code in (0, BAD_INPUT, _decided) else BROKEN)


def report_failure(error: BaseException) -> int:
    """Say in one line what went wrong; the exit code."""
    if isinstance(error, BaseExceptionGroup):
        unexpected = error.split(_EXPECTED)[1]
        if unexpected is not None:
            return report_failure(first_of(unexpected))
        echo_error(f"error: {first_of(error)}")
        return UNRESOLVED  # it came up while a batch ran: what was sent is in the ledger
    if isinstance(error, Unfinished):
        echo_error(f"error: {error}")
        return UNRESOLVED
    if isinstance(error, _EXPECTED):
        echo_error(f"error: {error}")
        return BROKEN if isinstance(error, _LOCKS) else BAD_INPUT
    if isinstance(error, _INTERRUPTIONS) and not _may_have_sent:
        echo_error("error: interrupted; nothing was sent")
        return BAD_INPUT
    echo_error(_told(error))
    return BROKEN


def _told(error: BaseException) -> str:
    if isinstance(error, _INTERRUPTIONS):
        return "error: interrupted; what was sent is in the ledger"
    if isinstance(error, Broken):
        return f"error: {error}"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{error.strerror}"
    # its text may hold anything, account data too
    frames = traceback.extract_tb(error.__traceback__)
    at = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"error: unexpected {type(error).__name__}{at}; what was sent is in the ledger. Please report this"


async def _terminable(command: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """SIGTERM ends a command in order, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a runner's coroutine is one
    with on_signals(task.cancel, signal.SIGTERM):
        return await command()


_reactions: dict[int, list[Callable[[], object]]] = {}


@contextlib.contextmanager
def on_signals(react: Callable[[], object], *numbers: signal.Signals) -> Iterator[None]:
    """Call `react` on the loop at every Ctrl-C and SIGTERM (or only `numbers`) while the body runs."""
    wanted = numbers or (signal.SIGINT, signal.SIGTERM)
    for number in wanted:
        _reactions.setdefault(number, []).append(react)
        _listen(number)
    try:
        yield
    finally:
        for number in wanted:
            _reactions[number].pop()
            _listen(number)


def _listen(number: signal.Signals) -> None:
    loop, reactions = asyncio.get_running_loop(), _reactions[number]
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
        if reactions:
            loop.add_signal_handler(number, reactions[-1])
        else:
            loop.remove_signal_handler(number)


def _flushed(code: int) -> int:
    """The exit code when all that was said has left. A stream that is broken must not fail again as Python ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            if stream is sys.stdout:
                code = BROKEN
            _discard(stream)
    return code


def _discard(stream: Any) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, stream.fileno())
        finally:
            os.close(nothing)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
