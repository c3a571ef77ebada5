"""How commands run, speak and end: one loop, one line for whatever goes wrong, no traceback, no account data."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import re
import signal
import sys
import unicodedata
import warnings
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any, NoReturn

import typer

from ..errors import UnverifiedEndpointWarning
from ..texts import encodable, shown_text
from .exit_codes import BAD_INPUT, BROKEN, Broken, begin_command, code_and_line
from .objects.base import as_json

__all__ = [
    "JsonOption",
    "echo",
    "echo_error",
    "exit_code_of",
    "fitting",
    "given",
    "lines_as_records",
    "on_signals",
    "own_process",
    "plain",
    "present",
    "printing_above",
    "refuse",
    "report_failure",
    "run_command",
    "say_warnings",
    "speaks_json",
    "styled",
    "wants_json",
]


def wants_json(value: bool) -> bool:
    """Note whether the command that begins was given `--json`: it may be refused before it runs."""
    global _wanted
    _wanted = value
    return value


JsonOption = Annotated[
    bool,
    typer.Option("--json", callback=wants_json, help="Print one JSON object, and nothing else; see docs/cli_json.md."),
]

_TYPER_INTERRUPTED = 130
_decided: int | None = None
_wanted = False
_is_own = False
"""The process is there for one command, and ends with it."""
_json: dict[str, Any] | None = None
"""With `--json`: the object that is printed when the command ends."""
_last_error: str | None = None
_log: Callable[[int, str], object] | None = None
"""With `--log-format json`: where lines of standard error go."""
_log_all = False


@contextlib.contextmanager
def lines_as_records(log: Callable[[int, str], object], *, stdout_too: bool) -> Iterator[None]:
    """Hand lines of standard error to `log(level, text)` while the body runs, and where said so all lines."""
    global _log, _log_all
    _log, _log_all = log, stdout_too
    try:
        yield
    finally:
        _log, _log_all = None, False


def own_process() -> None:
    """From now on signals are ignored once a command has ended: its exit code is what the process ends with."""
    global _is_own
    _is_own = True


def speaks_json() -> bool:
    """Whether standard output is for one JSON object, and what is said to people goes to standard error."""
    return _json is not None


def present(found: Any) -> None:
    """What `--json` prints when the command ends, with `exit_code` and `error`: an object of `objects`.

    Nothing without the option.
    """
    if _json is not None:
        _json.update(as_json(found))


def echo(text: str = "") -> None:
    """Print a line, with `--json` to standard error. Raises Broken where nobody can read it."""
    if _log is not None and _log_all:
        _log(logging.INFO, _COLOUR.sub("", encodable(text)))
    elif speaks_json():
        echo_error(text)
    else:
        _write(fitting(_line(text), sys.stdout))


def _write(text: str) -> None:
    if sys.stdout is None:
        raise Broken("standard output is closed")
    try:
        try:
            typer.echo(text)
        except UnicodeEncodeError:
            typer.echo(text.encode("ascii", "backslashreplace").decode("ascii"))
    except (OSError, ValueError) as error:
        raise Broken(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}") from None


def echo_error(text: str) -> None:
    """Print a line to standard error. Never fails: it is called where a run is being stopped."""
    global _last_error
    if text.startswith("error: "):
        _last_error = text.removeprefix("error: ")
    if _log is not None:
        _log(logging.ERROR if text.startswith("error: ") else logging.WARNING, _COLOUR.sub("", encodable(text)).strip())
        return
    with contextlib.suppress(OSError, ValueError):
        if _above is not None and sys.stderr.isatty():
            _above.print(fitting(_line(text), sys.stderr), markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(fitting(_line(text), sys.stderr), err=True)


_above: Any = None
"""Where a bar is drawn: a rich console, which keeps lines above it."""


@contextlib.contextmanager
def printing_above(console: Any) -> Iterator[None]:
    """While the body runs, what is told on the terminal stands above the bar on this console of rich's."""
    global _above
    _above = console
    try:
        yield
    finally:
        _above = None


_MOST = 8_000
_NARROWEST = 40
"""Columns of a terminal that is worth breaking lines for."""
_COLOUR = re.compile(r"(\x1b\[[0-9;]{1,10}m)")


def _line(text: str) -> str:
    """The text as one line, whatever it quotes; only our colours and a line break at its start stay."""
    before = "\n" if text.startswith("\n") else ""
    text = encodable(text)
    parts = _COLOUR.split(text[len(before) : _MOST])
    return before + "".join(part if place % 2 else shown_text(part, _MOST) for place, part in enumerate(parts))


def fitting(text: str, stream: Any, *, room: int = 0) -> str:
    """The text, broken between words where the stream is a narrower terminal. `room`: columns for what follows it.

    A command is not broken: half of it may be copied, and do what nobody meant. Between backticks it is one word;
    elsewhere its whole line stays as it is.
    """
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError, AttributeError):
        return text
    if columns < _NARROWEST or _width(text) + room <= columns:
        return text
    quoted = text.split("`")
    if "paycools " in "".join(quoted[::2]) or len(quoted) % 2 == 0:
        return text
    indent = " " * (len(text) - len(text.lstrip(" ")))
    done, line = [], indent
    one_word = "`".join(part.replace(" ", "\0") if place % 2 else part for place, part in enumerate(quoted))
    for word in (each.replace("\0", " ") for each in one_word[len(indent) :].split(" ")):
        longer = f"{line} {word}" if line.strip() else f"{line}{word}"
        if line.strip() and _width(longer) > columns:
            done.append(line)
            line = f"{indent}  {word}"
        else:
            line = longer
    last = [line]
    if _width(line) + room > columns and " " in line.strip():
        before, _, word = line.rpartition(" ")
        last = [before, f"{indent}  {word}"]
    return "\n".join([*done, *last])


def _width(text: str) -> int:
    """Columns that it takes."""
    text = _COLOUR.sub("", text)
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(unicodedata.category(each) in ("Mn", "Me", "Cf") for each in text)


def styled(text: str, **style: Any) -> str:
    """In colour, unless NO_COLOR is set."""
    return text if os.environ.get("NO_COLOR") else typer.style(text, **style)


def say_warnings() -> None:
    """From now on a Python warning is one plain line, without the place in the code that it came from."""

    def say(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        text = str(message)
        if issubclass(category, UnverifiedEndpointWarning):
            text = text.replace("override it with paths=", "give it with `paycools --path ENDPOINT=/...`")
        echo_error(f"warning: {text}")

    warnings.showwarning = say


def plain(text: str) -> str:
    """A text from outside (a file's name, a person's) as it may be printed."""
    return shown_text(encodable(text))


def given(value: str) -> str:
    """What an option was given, as it may be printed: an empty text is seen too."""
    return plain(value) if value.strip() else f"'{value}'"


def run_command(command: Callable[[], Coroutine[Any, Any, int]], *, as_json: bool = False, pays: bool = False) -> None:
    """Run a command on a loop (uvloop where installed) and exit with its code; whatever goes wrong is one line.

    `as_json`: standard output gets what the command has given to `present`, as one JSON object, and nothing else.
    `pays`: it sends payouts; whoever interrupts it is told what that means for them.
    """
    global _decided, _json, _last_error
    _json, _last_error = ({} if as_json else None), None
    begin_command(pays=pays)
    gc.enable()  # `main` has put it off
    # it warns of what it passes over in a transaction whose connection is lost: what matters of that is said elsewhere
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            code = runner.run(_terminable(command))
    except typer.Exit as end:
        code = end.exit_code
    except BaseException as error:
        if hasattr(error, "format_message"):  # a wrong option: typer shows it, with the usage
            raise
        code = report_failure(error)
    _ignore_signals()
    _decided = code = _flushed(_print_object(code))
    raise typer.Exit(code)


def _print_object(code: int) -> int:
    """Print what `--json` asks for; the exit code, which is 4 where it cannot be printed."""
    global _json
    found, _json = _json, None
    if found is None:
        return code
    whole = {**found, "exit_code": code, "error": _last_error if code else None}
    try:
        _write(json.dumps(whole))  # ASCII: it can be printed on any terminal
    except Broken as error:
        return report_failure(error)
    return code


def refuse(text: str) -> NoReturn:
    """End the command for a faulty setting: exit code 2, and with `--json` the object that says so."""
    global _json, _last_error
    echo_error(f"error: {text}")
    if _wanted and _json is None:  # within `run_command` it is printed there
        _json, _last_error = {}, text
        raise typer.Exit(_print_object(BAD_INPUT))
    raise typer.Exit(BAD_INPUT)


def exit_code_of(found: object) -> int:
    """What the process exits with: 1 only where a command decided so, never for a fault that typer came upon."""
    code = found if isinstance(found, int) else 0 if found is None else BROKEN
    if code == _TYPER_INTERRUPTED:  # before a command began or after it ended, and without a word
        code = report_failure(KeyboardInterrupt())
    return _flushed(code if code in (0, BAD_INPUT, _decided) else BROKEN)


def report_failure(error: BaseException) -> int:
    """Say in one line what went wrong; the exit code."""
    code, line = code_and_line(error)
    echo_error(line)
    return code


async def _terminable(command: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """SIGTERM ends a command in order, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a runner's coroutine is one
    with on_signals(task.cancel, signal.SIGTERM):
        code = await command()
    _ignore_signals()
    return code


def _ignore_signals() -> None:
    """It has ended: whoever stops it once more gets its exit code all the same."""
    if not _is_own:
        return
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        with contextlib.suppress(AttributeError, ValueError):  # Windows has no SIGHUP; not the main thread
            signal.signal(getattr(signal, name), signal.SIG_IGN)


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
    """Flush the output; the exit code, which is 4 where standard output is broken.

    A broken stream is closed here, or Python would fail on it once more as it ends.
    """
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
    if sys.platform == "win32":
        return asyncio.SelectorEventLoop  # psycopg refuses the Proactor loop, which is the usual one there
    try:
        import uvloop
    except ModuleNotFoundError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
