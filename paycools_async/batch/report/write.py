"""The report: one CSV row per payout, those that failed, a summary, and a page for people. Holds no account data.

A file's own columns, those whose names begin with `_`, stand at the end of each CSV row as they were.

Each of them says where the money went: host, environment, merchant, API and country, ledger, files.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import attrs

from ...money import from_minor
from ...times import MANILA
from ..ledger.base import Batch, Ledger
from ..ledger.payload import beside_from
from ..ledger.row import Row
from ..run.runner import Summary
from ..states import State
from .advice import advice_for, name_of
from .csv_cells import CsvWriter, Kept
from .html import html_page
from .templating import need_templates

__all__ = ["FILES", "write_report"]

FILES = ("payouts.csv", "failures.csv", "summary.json", "report.html")
"""What a report consists of."""

_HEADER = ("line", "mch_order_id", "amount", "outcome", "code", "message", "transaction_id", "resends", "updated")
_FAILED = ("line", "mch_order_id", "amount", "code", "reason", "what_to_do", "transaction_id", "updated")
_PLACES = ("environment", "host", "merchant", "api", "country", "ledger")
"""Columns, and names in the summary, of where the money goes."""


async def write_report(
    ledger: Ledger,
    directory: Path,
    stopped: str | None = None,
    *,
    batches: Collection[int] | None = None,
    destination: Mapping[str, str] | None = None,
) -> Summary:
    """Write `payouts.csv`, `failures.csv`, `summary.json` and `report.html` into the directory.

    Major units, Philippine times. Raises ConfigurationError, before anything is written, where Jinja2 is not installed.
    `batches`: those that the ledger, or this view of it, is of. `destination`: where the money goes; by default as the
    ledger has noted it.
    """
    need_templates()
    currency = await ledger.currency()
    place = dict(await ledger.destination() if destination is None else destination)
    found = [batch for batch in await ledger.batches() if batches is None or batch.id in batches]
    await _write_rows(ledger, directory, currency, place, found)
    summary = Summary(counts=await ledger.counts(), stopped=stopped, resent=await ledger.resent())
    text = json.dumps(_summary(summary, currency, place, found), indent=2) + "\n"
    await asyncio.to_thread((directory / "summary.json").write_text, text, "utf-8")
    place["files"] = ", ".join(_name(batch) for batch in found)
    html = await asyncio.to_thread(_page, ledger, summary, currency, place)
    await asyncio.to_thread((directory / "report.html").write_text, html, "utf-8")
    return summary


async def _write_rows(
    ledger: Ledger, directory: Path, currency: str, destination: Mapping[str, str], batches: Collection[Batch]
) -> None:
    files = {batch.id: batch.file for batch in batches}
    beside = list(dict.fromkeys(name for batch in batches for name in batch.beside))
    places = [destination.get(name, "") for name in _PLACES]
    with contextlib.ExitStack() as opened:
        every, failed = [
            CsvWriter(opened.enter_context(await asyncio.to_thread(_open, directory / name))) for name in FILES[:2]
        ]
        own = list(map(Kept, beside))
        every.row((*_HEADER, "batch", "file", *_PLACES, *own))
        failed.row((*_FAILED, "batch", "file", *_PLACES, *own))

        def write(page: list[Row]) -> None:
            for row in page:
                rest = [row.intake, files.get(row.intake, ""), *places, *_beside(row, beside)]
                every.row([*_cells(row, currency), *rest])
                if row.state is State.FAILED:
                    failed.row([*_cells_of_failure(row, currency), *rest])

        async for page in ledger.pages():
            await asyncio.to_thread(write, page)


def _name(batch: Batch) -> str:
    return f"{batch.file} (batch {batch.id})" if batch.file else f"batch {batch.id}"


def _page(ledger: Ledger, summary: Summary, currency: str, destination: Mapping[str, str]) -> str:
    pages = getattr(ledger, "timelines", None)  # a store may not tell when things happened
    timelines = itertools.chain.from_iterable(pages()) if pages is not None else None
    return html_page(summary, currency, timelines, now=time.time(), destination=destination)


def _open(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", newline="", encoding="utf-8")


def _cells(row: Row, currency: str) -> list[Any]:
    return [
        row.line,
        row.order_id,
        from_minor(row.amount, currency),
        row.state.value,
        row.code,
        row.message,
        row.transaction_id,
        row.resends,
        _moment(row.updated),
    ]


def _cells_of_failure(row: Row, currency: str) -> list[Any]:
    taken = bool(row.transaction_id)
    return [
        row.line,
        row.order_id,
        from_minor(row.amount, currency),
        row.code,
        name_of(row.code, row.message or "", taken=taken),
        advice_for(row.code, taken=taken),
        row.transaction_id,
        _moment(row.updated),
    ]


def _beside(row: Row, names: Collection[str]) -> list[str]:
    cells = beside_from(row.beside) if names else {}
    return [Kept(cells.get(name, "")) for name in names]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, MANILA).isoformat(timespec="seconds")


def _summary(
    summary: Summary, currency: str, destination: Mapping[str, str], batches: Collection[Batch]
) -> dict[str, Any]:
    everything = tuple(State)
    return {
        "currency": currency,
        "payouts": summary.rows(*everything),
        "amount": str(from_minor(summary.amount(*everything), currency)),
        "states": _states(summary.counts, currency),
        "sent_again": summary.resent,
        "stopped": summary.stopped,
        "exit_code": summary.exit_code,
        "destination": {name: destination.get(name, "") for name in _PLACES},
        "batches": [_batch(batch, currency) for batch in batches],
    }


def _states(counts: Mapping[State, tuple[int, int]], currency: str) -> dict[str, dict[str, Any]]:
    return {
        state.value: {"payouts": rows, "amount": str(from_minor(amount, currency))}
        for state, (rows, amount) in sorted(counts.items())
    }


def _batch(batch: Batch, currency: str) -> dict[str, Any]:
    log = [
        {**attrs.asdict(entry), "at": _moment(entry.at), "amount": str(from_minor(entry.amount, currency))}
        for entry in batch.log
    ]
    return {
        "batch": batch.id,
        "file": batch.file,
        "sha256": batch.sha256,
        "payouts": batch.payouts,
        "amount": str(from_minor(batch.amount, currency)),
        "offered_by": batch.offered_by,
        "offered_at": _moment(batch.offered_at),
        "states": _states(batch.counts, currency),
        "log": log,
    }
