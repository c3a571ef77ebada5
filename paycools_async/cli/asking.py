"""Asking a person, at a terminal. Whoever cannot answer, or would not, has not said yes."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn, TextIO

import typer

if sys.platform != "win32":
    import termios

from .console import echo_error, fitting, speaks_json

__all__ = ["asked", "can_ask"]


def can_ask() -> bool:
    """Whether somebody sits at a terminal, and can see a question there."""
    shown = (sys.stderr,) if speaks_json() else (sys.stdout, sys.stderr)
    return _is_terminal(sys.stdin) and any(map(_is_terminal, shown))


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def asked(question: str) -> bool:
    """Whether a person says yes. The question has to hold all that is decided: it may be all that is seen.

    Ctrl-C, SIGTERM, a terminal that is closed (SIGHUP) and the end of the input are a no, at once.
    """
    try:
        with _interruptible():
            _forget_what_was_typed()
            on_error = speaks_json() or not _is_terminal(sys.stdout)
            shown = fitting(question, sys.stderr if on_error else sys.stdout, room=len(" [y/N]: y"))
            return typer.confirm(shown, err=on_error)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        echo_error("")
        return False


def _forget_what_was_typed() -> None:
    """What was typed before the question was shown is no answer to it."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError, termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Signals end the waiting for an answer: the loop, which would react to them, stands still meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wakeup = signal.set_wakeup_fd(-1)  # else the loop would hear of the signal later, and react again
    before = {number: signal.signal(number, _interrupt) for number in _noes()}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # hung up, and the signal may come twice: what is taken back now must not be cut off
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(wakeup)


def _noes() -> list[int]:
    found: list[int] = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)  # not on Windows
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:  # nohup
        found.append(hang_up)
    return found


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    if number == getattr(signal, "SIGHUP", None):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
