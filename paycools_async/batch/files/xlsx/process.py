"""Rows of an .xlsx file, read in a process of its own: its crash, its hunger and its sleep are faults of that file.

The extra `xlsx` reads the file (python-calamine), which holds one sheet in memory, outside Python. A damaged or
malicious file can make it panic, abort or take all memory, so it is not trusted with this process.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import monotonic as time_now
from typing import IO, Any

import attrs

from ....storage.regular_file import NotRegular, open_regular
from ....texts import shown_text
from . import bounds

__all__ = ["SECONDS", "Faulted", "Unreadable", "rows"]

SECONDS = 120.0
"""That the reader may take for a file, without the time in which its rows are worked on."""
_LOOK = 0.1


@attrs.frozen
class Faulted:
    """A cell that shows an error, such as #REF!, or whose formula was never calculated: then `text` is empty."""

    text: str

    def __str__(self) -> str:
        return self.text


_MOST_FRAME = 64 << 20
_START = "import sys; sys.path[:0] = sys.argv.pop(1).split('\\n'); from {} import main; main(sys.argv[1:])"
_KINDS: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "faulted": Faulted,
    "timedelta": lambda seconds: timedelta(seconds=seconds),
}


class Unreadable(Exception):
    """The file as a whole cannot be used."""


def rows(path: Path, stopped: threading.Event | None = None) -> Iterator[tuple[int, list[Any]]]:
    """The number and the cells of each row of the one visible sheet. Raises Unreadable, also when it is `stopped`."""
    reader = _reader_folder()
    if reader is None:
        raise Unreadable(
            f"{path.name}: reading .xlsx needs an extra: pip install 'paycools-async[xlsx]'; or save it as .csv"
        )
    _must_be_a_file(path)
    with _started(path, reader) as process, contextlib.closing(_Watch(process, stopped)) as watch:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while True:
            frame = _frame(process, path, watch)
            if isinstance(frame, list):
                for number, cells in frame:
                    yield number, [_cell(cell) if type(cell) is dict else cell for cell in cells]
            elif "refused" in frame:
                raise Unreadable(f"{path.name}: {shown_text(frame['refused'])}")
            else:
                return


def _must_be_a_file(path: Path) -> None:
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except NotRegular:
        raise Unreadable(f"{path}: is no file") from None
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read: {error.strerror}") from None
    if size > bounds.MOST_BYTES:
        raise Unreadable(f"{path.name}: has {size:,} bytes, must be at most {bounds.MOST_BYTES:,}")


def _reader_folder() -> str | None:
    """Where the extra is; None where it is not."""
    found = importlib.util.find_spec("python_calamine")
    places = found.submodule_search_locations if found is not None else None
    return os.path.dirname(next(iter(places))) if places else None


@contextlib.contextmanager
def _started(path: Path, reader: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, until the block ends; then it is gone, whatever it was doing."""
    if getattr(sys, "frozen", False) or not sys.executable:
        raise Unreadable(f"{path.name}: this program cannot start the Python that reads .xlsx; save it as .csv")
    package, _, _ = __name__.rpartition(".")
    root = str(Path(__file__).parents[package.count(".") + 1])
    command = [sys.executable, "-I", "-c", _START.format(f"{package}.child"), f"{root}\n{reader}"]
    limits = [str(bounds.MOST_BYTES), str(bounds.MOST_CELLS)]
    try:
        process = subprocess.Popen(  # noqa: S603 - this Python, and no shell  # nosec B603
            [*command, os.path.abspath(path), *limits],
            stdin=subprocess.PIPE,  # never written to: it breaks when this process ends, however it ends
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("PAYCOOLS_")},
            start_new_session=True,  # Ctrl-C is this process's to answer
        )
    except OSError as error:
        raise Unreadable(f"{path.name}: the process that reads .xlsx cannot start: {error.strerror}") from None
    with process:
        try:
            yield process
        finally:
            process.kill()


class _Watch:
    """Ends the process when it has been waited for too long, or when nobody wants the file any more."""

    def __init__(self, process: subprocess.Popen[bytes], stopped: threading.Event | None) -> None:
        self._process = process
        self._stopped = stopped
        self._over = threading.Event()
        self._waited = 0.0
        self._since: float | None = None
        self.too_long: bool = False
        threading.Thread(target=self._run, name="paycools-xlsx", daemon=True).start()

    def _run(self) -> None:
        while not self._over.wait(_LOOK):
            since = self._since
            self.too_long = since is not None and self._waited + time_now() - since > SECONDS
            if self.too_long or (self._stopped is not None and self._stopped.is_set()):
                self._process.kill()
                return

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """What is waited for the process counts; what is done with its rows does not."""
        self._since = time_now()
        try:
            yield
        finally:
            self._waited += time_now() - self._since
            self._since = None

    def close(self) -> None:
        self._over.set()


def _frame(process: subprocess.Popen[bytes], path: Path, watch: _Watch) -> Any:
    """What the process says next. Raises Unreadable where it says nothing in time, or nothing any more."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        with watch.waiting():
            [length] = struct.unpack(">I", _exactly(process.stdout, 4))
            if length > _MOST_FRAME:
                raise EOFError
            return json.loads(_exactly(process.stdout, length))
    except (EOFError, ValueError):
        if watch.too_long:
            raise Unreadable(
                f"{path.name}: its reader took more than {SECONDS:.0f} seconds; save it anew, or as .csv"
            ) from None
        raise Unreadable(
            f"{path.name}: is damaged or takes too much memory: its reader broke; save it anew, or as .csv"
        ) from None


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _cell(cell: dict[str, Any]) -> Any:
    [(kind, value)] = cell.items()
    return _KINDS[kind](value)
