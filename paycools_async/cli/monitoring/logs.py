"""`--log-format`: what the library logs, to standard error, as text or as JSON lines."""

from __future__ import annotations

import contextlib
import enum
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ...texts import shown_text
from ..console import lines_as_records

__all__ = ["LogFormat", "LogFormatOption", "logging_as"]

_LIBRARY = "paycools_async"
_COMMAND = "paycools"
_DETAILS = (
    "event",
    "operation",
    "order_id",
    "outcome",
    "code",
    "http_status",
    "attempts",
    "duration",
    "error",
    "pause",
)
"""Attributes of the library's records, as docs/observability.md lists them."""
_MOST = 4_000


class LogFormat(enum.StrEnum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


LogFormatOption = Annotated[
    LogFormat | None,
    typer.Option(
        "--log-format",
        help="Log calls, pauses and warnings to standard error, as text or as one JSON object a line; "
        "by default only warnings.",
    ),
]


@contextlib.contextmanager
def logging_as(chosen: LogFormat | None, *, stdout_too: bool = False) -> Iterator[None]:
    """Log like this while the body runs. None: as Python does where nothing is said.

    With JSON all that the command says on standard error is a record too, and with `stdout_too` whatever it says.
    """
    if chosen is None:
        yield
        return
    handler = _Handler(sys.stderr)
    handler.setFormatter(_Json() if chosen is LogFormat.JSON else _Text())
    root, library, command = (logging.getLogger(name) for name in ("", _LIBRARY, _COMMAND))
    levels = [(logger, logger.level) for logger in (library, command)]
    root.addHandler(handler)
    for logger, _ in levels:
        logger.setLevel(logging.INFO)
    as_json = chosen is LogFormat.JSON
    try:
        if as_json:
            logging.captureWarnings(True)
        with lines_as_records(command.log, stdout_too=stdout_too) if as_json else contextlib.nullcontext():
            yield
    finally:
        if as_json:
            logging.captureWarnings(False)
        for logger, level in levels:
            logger.setLevel(level)
        root.removeHandler(handler)


class _Handler(logging.StreamHandler[Any]):
    """Where nobody can read the log, the payouts go on."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        pass


def _text_of(record: logging.LogRecord) -> str:
    """One line, without a traceback: what stands in one may be a person's account."""
    text = shown_text(record.getMessage(), _MOST)
    kind = record.exc_info[0] if record.exc_info else None
    return text if kind is None else f"{text} ({kind.__name__})"


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{_time_of(record)} {record.levelname} {record.name}: {_text_of(record)}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        details = {name: getattr(record, name) for name in _DETAILS if hasattr(record, name)}
        found = {
            "time": _time_of(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": _text_of(record),
            **details,
        }
        return json.dumps(found, default=str)  # ASCII: it can be written to any stream
