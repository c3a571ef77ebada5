"""The report: one CSV row per payout, a summary, and a page for people. Holds no account data."""

from __future__ import annotations

import asyncio
import csv
import itertools
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from ..money import from_minor
from ..times import MANILA
from .html_report import html_page
from .protocol import Ledger
from .runner import Summary
from .schema import Row
from .states import State

__all__ = ["write_report"]

_HEADER = ("line", "mch_order_id", "amount", "outcome", "code", "message", "transaction_id", "resends", "updated")


async def write_report(ledger: Ledger, directory: Path, stopped: str | None = None) -> Summary:
    """Write `payouts.csv`, `summary.json` and `report.html` into the directory; major units, Philippine times."""
    currency = await ledger.currency()
    file = await asyncio.to_thread(_open, directory / "payouts.csv")
    with file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        async for page in ledger.pages():
            await asyncio.to_thread(writer.writerows, [_cells(row, currency) for row in page])
    summary = Summary(counts=await ledger.counts(), stopped=stopped)
    text = json.dumps(_summary(summary, currency), indent=2) + "\n"
    await asyncio.to_thread((directory / "summary.json").write_text, text, "utf-8")
    html = await asyncio.to_thread(_page, ledger, summary, currency)
    await asyncio.to_thread((directory / "report.html").write_text, html, "utf-8")
    return summary


def _page(ledger: Ledger, summary: Summary, currency: str) -> str:
    pages = getattr(ledger, "journeys", None)  # a store may not tell when things happened
    journeys = itertools.chain.from_iterable(pages()) if pages is not None else None
    return html_page(summary, currency, journeys, now=time.time())


def _open(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", newline="", encoding="utf-8")


def _cells(row: Row, currency: str) -> list[Any]:
    updated = datetime.fromtimestamp(row.updated, MANILA).isoformat(timespec="seconds")
    return [
        row.line,
        row.order_id,
        from_minor(row.amount, currency),
        row.state.value,
        "" if row.code is None else row.code,
        _harmless(row.message or ""),
        row.transaction_id or "",
        row.resends,
        updated,
    ]


def _harmless(text: str) -> str:
    """PayCools' words cannot become a formula in somebody's spreadsheet."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _summary(summary: Summary, currency: str) -> dict[str, Any]:
    states = {
        state.value: {"payouts": rows, "amount": str(from_minor(amount, currency))}
        for state, (rows, amount) in sorted(summary.counts.items())
    }
    everything = tuple(State)
    return {
        "currency": currency,
        "payouts": summary.rows(*everything),
        "amount": str(from_minor(summary.amount(*everything), currency)),
        "states": states,
        "stopped": summary.stopped,
        "exit_code": summary.exit_code,
    }
