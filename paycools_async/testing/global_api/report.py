"""The sandbox's report of a day (1.2): the least .xlsx that a reader takes. No document names the columns."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape  # it writes XML and reads none  # nosec B406

from ...money import from_minor
from ..server.merchant import Merchant
from .payouts import CURRENCIES, FakeGlobalPayout, GlobalPayoutRecords, local, payout_row

__all__ = ["payout_report"]

_HEADER = ("Merchant Order ID", "Transaction ID", "Amount", "Status", "Create Time", "Complete Time")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Report" sheetId="1" r:id="r1"/></sheets></workbook>',
}


def payout_report(merchant: Merchant, country: str, day: str) -> bytes:
    """The country's payouts created on a day of its own time, amounts in major units."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in _PARTS.items():
            file.writestr(name, text)
        lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in _rows(merchant, country, day))
        file.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
        )
    return found.getvalue()


def _rows(merchant: Merchant, country: str, day: str) -> Iterator[Iterable[Any]]:
    yield _HEADER
    for payout in merchant.of(GlobalPayoutRecords).paid:
        if not isinstance(payout, FakeGlobalPayout) or payout.country != country:
            continue
        created = local(merchant, country, payout.created)
        if created.startswith(day):
            shown = payout_row(merchant, payout)
            amount = from_minor(payout.amount, CURRENCIES[country])
            yield (
                payout.order_id,
                payout.transaction_id,
                amount,
                shown["transactionStatus"],
                created,
                shown["returnTime"],
            )


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"
