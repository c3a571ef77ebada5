"""The command line, `paycools`. Needs the extra `cli`."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Run the command line. Whatever goes wrong is one line, and exit code 1 means failed payouts and nothing else."""
    try:
        _fill_closed_streams()
        _print_whatever_comes()
        if sys.argv[1:] == ["--version"]:
            sys.exit(_say_version())
        gc.disable()  # all that is imported stays: to look for garbage in it is a twentieth of the start
        from .app import app
        from .console import exit_code_of, own_process, report_failure, say_warnings
        from .self_check import parsing_fault

        fault = parsing_fault(app)
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print("paycools: the command line needs its extra: pip install 'paycools-async[cli]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:  # while Python reads the modules
        print("error: interrupted; nothing was sent", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - a traceback would be exit code 1
        _refuse_to_start(f"{type(error).__name__}: {error}")
    if fault is not None:
        _refuse_to_start(fault)
    say_warnings()
    own_process()
    try:
        app()
    except SystemExit as end:
        code = exit_code_of(end.code)
    except BaseException as error:  # noqa: BLE001 - a traceback would be exit code 1
        code = exit_code_of(report_failure(error))
    else:
        code = exit_code_of(0)
    finally:
        gc.enable()
    sys.exit(code)


def _print_whatever_comes() -> None:
    """A terminal that has not all letters, as cp1252 has no Thai ones, gets codes in their place, and no failure."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _say_version() -> int:
    """Print the version without a wait for the commands; the exit code."""
    from .. import __version__

    try:
        os.write(1, f"{__version__}\n".encode())
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(2, f"error: standard output cannot be written: {error.strerror}\n".encode())
        return 4
    return 0


def _refuse_to_start(fault: str) -> NoReturn:
    gc.enable()
    print(f"error: the command line cannot start, nothing was sent: {fault}", file=sys.stderr)  # noqa: T201
    sys.exit(4)


def _fill_closed_streams() -> None:
    """Where a standard stream is closed, the next file or socket would take its number, and be written to as it is."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
