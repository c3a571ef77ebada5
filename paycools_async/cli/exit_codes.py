"""What a command exits with, and what decides it.

0: all settled. 1: some payouts failed, and nothing else. 2: nothing was sent. 3: unresolved, run it again. 4: broken,
this machine and not the payouts. What came of a batch decides by `Summary.exit_code`; what went wrong, by this module.
"""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import typer

from ..batch.ledger.base import LedgerLockError
from ..errors import PayCoolsError, first_of

__all__ = [
    "BAD_INPUT",
    "BROKEN",
    "UNRESOLVED",
    "Broken",
    "Unfinished",
    "begin_command",
    "code_and_line",
    "from_here_on_something_may_be_sent",
]

BAD_INPUT = 2
UNRESOLVED = 3
BROKEN = 4

_INTERRUPTIONS = (KeyboardInterrupt, asyncio.CancelledError, typer.Abort)
_pays = True
_may_have_sent = False


class Broken(Exception):
    """This machine failed, not the payouts: a stream, a folder, a lock."""


class Unfinished(Exception):
    """A run was cut short after a yes: payouts may have been sent, and the ledger knows which."""


def begin_command(*, pays: bool) -> None:
    """Nothing was sent yet. `pays`: it may be, later."""
    global _pays, _may_have_sent
    _pays, _may_have_sent = pays, False


def from_here_on_something_may_be_sent() -> None:
    """Whatever interrupts the command later must not say that nothing was sent."""
    global _may_have_sent
    _may_have_sent = True


def code_and_line(error: BaseException) -> tuple[int, str]:
    """The exit code for what went wrong, and the one line that says it, without account data."""
    if isinstance(error, BaseExceptionGroup):
        unexpected = error.split(PayCoolsError)[1]
        if unexpected is not None:
            return code_and_line(first_of(unexpected))
        return UNRESOLVED, f"error: {first_of(error)}"  # it came up while a batch ran: what was sent is in the ledger
    if isinstance(error, Unfinished):
        return UNRESOLVED, f"error: {error}"
    if isinstance(error, PayCoolsError):
        return BROKEN if isinstance(error, LedgerLockError) else BAD_INPUT, f"error: {error}"
    if isinstance(error, _INTERRUPTIONS):
        if _may_have_sent:
            return BROKEN, "error: interrupted; what was sent is in the ledger"
        return BAD_INPUT, "error: interrupted" + ("; nothing was sent" if _pays else "")
    return BROKEN, _line_of(error)


def _line_of(error: BaseException) -> str:
    if isinstance(error, Broken):
        return f"error: {error}"
    if isinstance(error, FileNotFoundError) and "temporary directory" in (error.strerror or ""):  # of tempfile
        return "error: there is no folder for temporary files: set TMPDIR to one that can be written"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{error.strerror}"
    # its text may hold anything, account data too
    frames = traceback.extract_tb(error.__traceback__)
    at = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"error: unexpected {type(error).__name__}{at}; what was sent is in the ledger. Please report this"
