"""The log of the calls. What it says is decided in `telling`; docs/observability.md describes it.

A filter or a handler that raises must not stand in for what became of a call: it is told to the loop instead.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ..hooks import note_failure

__all__ = ["handle_record", "log", "log_info"]

log: logging.Logger = logging.getLogger("paycools_async")


def log_info(text: str, *values: Any, extra: dict[str, Any]) -> None:
    """One record at INFO."""
    try:
        log.info(text, *values, extra=extra)
    except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001 - of whatever a program does there
        note_failure("logging failed", failure)


def handle_record(record: logging.LogRecord) -> None:
    """One record that is made already."""
    try:
        log.handle(record)
    except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001
        note_failure("logging failed", failure)
