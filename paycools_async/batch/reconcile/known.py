"""What other programs paid with the same key, as a file says: order ids, and their amounts where it has them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from ...money import to_minor
from ..files.header import folded
from ..files.results import FileError
from ..files.text import Lines, opened

__all__ = ["KnownOrders", "read_known"]

_ORDER_ID = ("mchorderid", "mchorderno", "merchantorderid", "merchantorderno", "merchantordernumber", "orderid")
_AMOUNT, _MINOR = "amount", "amountminor"
_DELIMITERS = ",;\t|"
_MOST = 5_000_000
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)


@attrs.frozen
class KnownOrders:
    """Order ids that are accounted for elsewhere. `amounts`: in minor units; None where the file does not say."""

    amounts: Mapping[str, int | None] = attrs.field(factory=dict)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self.amounts

    def amount(self, order_id: str) -> int | None:
        """What the file says that was paid; None where it does not."""
        return self.amounts.get(order_id)


def read_known(paths: Iterable[Path], currency: str) -> KnownOrders:
    """The orders of these files: one id a line, or a CSV with a column mch_order_id, and amount or amount_minor.

    A payout file of the other program will do. Raises FileError.
    """
    amounts: dict[str, int | None] = {}
    for path in paths:
        lines = opened(path, None)
        with lines.file:
            try:
                for line, order_id, amount in _orders(lines, currency):
                    if amounts.setdefault(order_id, amount) != amount:
                        raise FileError(f"{path.name}: line {line}: the order stands there with two amounts")
                    if len(amounts) > _MOST:
                        raise FileError(f"{path.name}: there are more than {_MOST:,} orders; give those of the day")
            except csv.Error as error:
                raise FileError(f"{path.name}: line {lines.number}: {error}") from None
    return KnownOrders(amounts)


def _orders(lines: Lines, currency: str) -> Iterator[tuple[int, str, int | None]]:
    text = iter(lines)
    first = next(text, "")
    delimiter = max(_DELIMITERS, key=first.count)
    names = [folded(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
    ids = [place for place, name in enumerate(names) if name in _ORDER_ID]
    if len(ids) > 1:
        raise FileError(f"{lines.name}: several columns may be the order id; leave one of them")
    if not ids and len(names) > 1:
        raise FileError(f"{lines.name}: there is no column mch_order_id")
    if not ids and first.strip():
        yield 1, first.strip(), None
    place = ids[0] if ids else 0
    amount_at = next((at for at, name in enumerate(names) if ids and name in (_AMOUNT, _MINOR)), None)
    for cells in csv.reader(text, delimiter=delimiter):
        order_id = cells[place].strip() if place < len(cells) else ""
        if not order_id:
            continue
        cell = "" if amount_at is None or amount_at >= len(cells) else cells[amount_at].strip()
        yield lines.number, order_id, _amount(lines, cell, currency, minor=names[amount_at or 0] == _MINOR)


def _amount(lines: Lines, cell: str, currency: str, *, minor: bool) -> int | None:
    if not cell:
        return None
    try:
        if minor and not _WHOLE.fullmatch(cell):
            raise ValueError
        return int(cell) if minor else to_minor(cell, currency)
    except ValueError:
        raise FileError(f"{lines.name}: line {lines.number}: the amount is no plain number such as 500.10") from None
