"""What PayCools says it paid on a day: the PH API's statement (2.3), or the Global API's report (1.2), line by line.

The report is an .xlsx behind a link (extra `xlsx`). No public document names its columns, nor the unit of its amounts,
nor the zone in which its days begin: columns are recognised by their usual names or named by the caller, amounts are
taken as major units, as in the PH statement, unless the caller says otherwise, and days as the country's.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import attrs

from ...client import PayCoolsGlobal, PayCoolsPH
from ...countries import COUNTRIES
from ...errors import Outcome, PayCoolsError
from ...money import EXPONENTS, to_minor
from ...times import MANILA
from ...vocabulary.statuses import TransactionStatus
from ...wire.numbers import exact_decimal
from ..files.xlsx.process import Unreadable, rows
from ..files.xlsx.sheet import number_text

__all__ = ["FIELDS", "Line", "ReportError", "Statement", "global_statement", "ph_statement", "read_report"]

PAYOUTS: Final = 1
_HEADER_WITHIN = 20
"""Rows in which the header may stand."""

_NAMES = {
    "order_id": ("merchantorderid", "merchantorderno", "merchantordernumber", "mchorderid", "mchorderno"),
    "amount": ("amount", "transactionamount", "orderamount", "payoutamount", "disbursementamount"),
    "status": ("status", "transactionstatus", "orderstatus"),
    "transaction_id": ("transactionid", "transactionno", "transactionnumber", "platformorderid", "platformorderno"),
}
FIELDS = tuple(_NAMES)
"""What is read from a report; all but the last must be there."""

_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)


class ReportError(PayCoolsError):
    """The report cannot be read as it is; nothing was compared."""

    outcome = Outcome.NOT_SENT


@attrs.frozen(kw_only=True)
class Line:
    """One payout as PayCools states it. `amount` in minor units; None where it is no amount of that currency."""

    order_id: str
    transaction_id: str | None
    amount: int | None
    status: TransactionStatus | None


@attrs.frozen(kw_only=True)
class Statement:
    """Where a day's lines come from, in which zone a day begins, and how unsure the day's edges are."""

    lines: Callable[[date], AsyncIterator[Line]]
    currency: str
    zone: tzinfo = MANILA
    margin: timedelta = timedelta(minutes=10)


def ph_statement(paycools: PayCoolsPH) -> Statement:
    """The PH API's payout statement, page by page. Philippine days."""

    async def lines(day: date) -> AsyncIterator[Line]:
        async for record in paycools.account.payouts(create_date=day):
            yield Line(
                order_id=record.merchant_order_id,
                transaction_id=record.transaction_id,
                amount=_minor(record.amount, "PHP"),
                status=record.status,
            )

    return Statement(lines=lines, currency="PHP")


def global_statement(
    paycools: PayCoolsGlobal,
    country: str,
    folder: Path,
    *,
    columns: Mapping[str, str] | None = None,
    minor: bool = False,
) -> Statement:
    """The Global API's report of a country, fetched into `folder` at most once a day; for the rest see `read_report`.

    Where PayCools' days begin is not documented, so what is missing is looked for on the neighbouring days too.
    """
    currency = COUNTRIES[country].currency
    code: Any = country  # it is one of them

    async def lines(day: date) -> AsyncIterator[Line]:
        path = folder / f"{country}-{day}.xlsx"
        if not path.exists():
            await paycools.account.download_report(
                path, country_code=code, trans_date=day.isoformat(), trans_type=PAYOUTS
            )
        for line in await asyncio.to_thread(lambda: list(read_report(path, currency, columns=columns, minor=minor))):
            yield line

    zone = COUNTRIES[country].zone  # Kuala Lumpur is UTC+8, as Manila
    return Statement(lines=lines, currency=currency, zone=zone, margin=timedelta(hours=12))


def read_report(
    path: Path, currency: str, *, columns: Mapping[str, str] | None = None, minor: bool = False
) -> Iterator[Line]:
    """The lines of a report. `columns` names the headers of order_id, amount, status or transaction_id.

    `minor`: amounts count minor units. Raises ReportError where the file or its header cannot be used.
    """
    places: dict[str, int] | None = None
    try:
        for number, cells in rows(path):
            if places is None:
                places = _places(cells, columns or {})
                if places is None and number >= _HEADER_WITHIN:
                    break
            elif line := _line(cells, places, currency, minor, number):
                yield line
    except Unreadable as error:
        raise ReportError(f"the report cannot be read: {error}") from None
    if places is None:
        raise ReportError(
            "the report has no header with an order id, an amount and a status; "
            "name its columns: --column order_id=... --column amount=... --column status=..."
        )


def _places(cells: list[Any], named: Mapping[str, str]) -> dict[str, int] | None:
    """Where each field stands, if this row is the header."""
    heads = [_folded(cell) for cell in cells]
    places: dict[str, int] = {}
    for field, names in _NAMES.items():
        wanted = (_folded(named[field]),) if field in named else names
        found = [place for place, head in enumerate(heads) if head in wanted]
        if len(found) > 1:
            raise ReportError(f"the report has several columns that may be {field}; name one: --column {field}=...")
        if found:
            places[field] = found[0]
        elif field in named or field != FIELDS[-1]:
            return None
    return places


def _folded(cell: Any) -> str:
    return re.sub(r"[\W_]", "", str(cell)).casefold() if isinstance(cell, str) else ""


def _line(cells: list[Any], places: Mapping[str, int], currency: str, minor: bool, number: int) -> Line | None:
    def text(field: str) -> str | None:
        place = places.get(field)
        cell = cells[place] if place is not None and place < len(cells) else None
        if cell is None:
            return None
        return number_text(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else str(cell).strip()

    order_id, status = text("order_id"), text("status")
    if not order_id:
        if status is None and text("transaction_id") is None:
            return None  # a line of totals
        # a payout of nobody knows which order is still a payout: it must not pass unseen
        order_id = f"(row {number} without an order id)"
    return Line(
        order_id=order_id,
        transaction_id=text("transaction_id"),
        amount=_minor(_decimal(text("amount")), currency, minor=minor),
        status=TransactionStatus(status) if status else None,
    )


def _decimal(text: str | None) -> Decimal | None:
    plain = text.replace(",", "") if text and _GROUPED.fullmatch(text) else text
    try:
        return exact_decimal(plain.strip()) if plain else None
    except ValueError:
        return None


def _minor(amount: Decimal | None, currency: str, *, minor: bool = False) -> int | None:
    """Minor units, exactly; None where that is not possible."""
    if amount is None or not amount.is_finite():
        return None
    if minor:
        return int(amount) if amount == int(amount) else None
    places = EXPONENTS[currency]
    try:
        return to_minor(amount.quantize(Decimal(1).scaleb(-places)) if _fits(amount, places) else amount, currency)
    except (ValueError, InvalidOperation):
        return None


def _fits(amount: Decimal, places: int) -> bool:
    """Whether only zeros stand beyond the currency's decimals: 500.00 rupiah are 500."""
    return amount == round(amount, places)
