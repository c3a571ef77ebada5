"""Failed payouts as a file to correct and to pay again: a new order id for each, and never one that may have been paid.

A new id follows from the old one alone, so a second such file proposes the same ids, and whatever was entered from the
first is left out: nobody is paid twice by two of these files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import attrs

from ...errors import ConfigurationError
from ...money import from_minor
from ..ledger.base import Ledger, LedgerError
from ..ledger.payload import beside_from
from ..ledger.row import Row
from ..states import State
from .advice import name_of
from .csv_cells import CsvWriter, Kept

__all__ = ["Again", "failed_rows", "next_order_id", "write_again"]

_RETRY = re.compile(r"(.+?)RETRY([0-9]{1,3})")
_LONGEST = 32
_HASH = 6
_BESIDE = ("_failed_order_id", "_failed_code", "_failed_reason")
_JSON = (".jsonl", ".ndjson")


@attrs.define(kw_only=True)
class Again:
    """What came of writing failed payouts into a file. `amount` in minor units."""

    rows: int = 0
    amount: int = 0
    sent_twice: list[str] = attrs.field(factory=list)
    """Left out: they were sent again after PayCools did not show them, so a person has to look first."""
    entered: list[tuple[str, str, str]] = attrs.field(factory=list)
    """Left out: the order id, the new one that is in the ledger already, and its state."""


def next_order_id(order_id: str) -> str:
    """The order id under which a failed payout may be paid again: always the same one, of at most 32 characters."""
    match = _RETRY.fullmatch(order_id)
    base, number = (match[1], int(match[2]) + 1) if match else (order_id, 1)
    end = f"RETRY{number}"
    if len(base) + len(end) > _LONGEST:
        digest = hashlib.sha256(base.encode()).hexdigest()[:_HASH].upper()
        base = base[: _LONGEST - len(end) - _HASH] + digest
    return base + end


async def failed_rows(ledger: Ledger) -> AsyncIterator[Row]:
    """The rows that failed, in file order."""
    async for page in ledger.pages(states=(State.FAILED,)):
        for row in page:
            yield row


async def write_again(ledger: Ledger, out: Path) -> Again:
    """Write what failed into a new file, CSV or JSON Lines, with new order ids. It holds account data: mode 0600.

    Only `failed` rows go there: what is unknown, in conflict or still on its way may have been paid. Raises
    LedgerError, and writes nothing, where there is nothing to write; ConfigurationError where the file cannot be made.
    """
    found, chosen = Again(), {}
    columns: dict[str, None] = {}
    async for row in failed_rows(ledger):
        if (new := await _new_id(ledger, row, found)) is not None:
            chosen[row.id] = new
            columns |= dict.fromkeys([*_cells(row, new, ""), *beside_from(row.beside)])
    if not chosen:
        raise LedgerError(f"{out}: there is no failed payout to be paid again; nothing was written")
    currency = await ledger.currency()
    ours = [name for name in columns if not name.startswith("_")]
    names = [*ours, *(name for name in columns if name.startswith("_") and name not in _BESIDE), *_BESIDE]
    with _new_file(out) as file:
        write = _line_writer(file, names) if out.suffix.lower() in _JSON else _row_writer(file, names)
        async for row in failed_rows(ledger):
            if row.id in chosen:
                write({**_cells(row, chosen[row.id], currency), **_beside(row)})
                found.rows += 1
                found.amount += row.amount
    return found


async def _new_id(ledger: Ledger, row: Row, found: Again) -> str | None:
    """The new order id of a row that may be paid again; None where it may not, which is noted."""
    if row.resends:
        found.sent_twice.append(row.order_id)
        return None
    new = next_order_id(row.order_id)
    there = await ledger.get(new)
    if there is not None and there.state is not State.WITHDRAWN:
        found.entered.append((row.order_id, new, there.state.value))
        return None
    return new


def _cells(row: Row, new: str, currency: str) -> dict[str, Any]:
    """The fields of the order, but for what belongs to the old one; the amount in major units."""
    fields: dict[str, Any] = json.loads(row.body)
    fields.pop("idempotency_id", None)  # it is made of the new order id
    fields["mch_order_id"] = new
    fields["amount"] = str(from_minor(row.amount, currency)) if currency else ""
    return fields


def _beside(row: Row) -> dict[str, Any]:
    reason = name_of(row.code, row.message or "", taken=bool(row.transaction_id))
    told = (row.order_id, row.code, reason)
    return {**beside_from(row.beside), **dict(zip(_BESIDE, told, strict=True))}


def _row_writer(file: TextIO, names: list[str]) -> Any:
    writer = CsvWriter(file)
    writer.row(map(Kept, names))

    def write(cells: Mapping[str, Any]) -> None:
        writer.row(_kept(cells.get(name)) for name in names)

    return write


def _kept(value: Any) -> Any:
    """A text as it is, and a number."""
    return Kept(value) if isinstance(value, str) else value


def _line_writer(file: TextIO, names: list[str]) -> Any:
    def write(cells: Mapping[str, Any]) -> None:
        kept = {name: cells[name] for name in names if cells.get(name) is not None}
        file.write(json.dumps(kept, ensure_ascii=False) + "\n")

    return write


def _new_file(path: Path) -> TextIO:
    if path.suffix.lower() not in (".csv", *_JSON):
        raise ConfigurationError(f"{path}: give a name that ends with .csv or .jsonl")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{path} exists, and is not overwritten; give another name") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {getattr(error, 'strerror', None) or 'no such name'}") from None
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")
