"""The page as HTML. What stands in the books is put in as text of elements, so that none of it can be markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405 - reads a file of this package
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import get_args

from ..fake import FakePayCools
from ..faults import Kind
from . import books

__all__ = ["page", "style"]

_NONE = "none"
_FOLDER = "paycools_async.testing.page"


def style() -> str:
    """The page's style sheet."""
    return resources.files(_FOLDER).joinpath("page.css").read_text("utf-8")


def page(fake: FakePayCools, base_url: str, message: str = "") -> str:
    """The whole page. `message`: what came of the last thing that was done on it."""
    text = resources.files(_FOLDER).joinpath("page.html").read_text("utf-8")
    root = ET.fromstring(text)  # noqa: S314 - our own  # nosec B314
    parts = {id: element for element in root.iter() if (id := element.get("id")) is not None}
    parts["base-url"].text = base_url
    parts["message"].text = message
    _rows(parts["merchants"], books.merchants(fake))
    _rows(parts["payouts"], books.payouts(fake))
    repeated = books.repeated(fake)
    parts["repeated"].text = f"Paid more than once: {', '.join(repeated)}" if repeated else ""
    _payables(parts["payables"], books.payables(fake))
    _waiting(parts["waiting"], books.waiting(fake))
    for kind in get_args(Kind):
        ET.SubElement(parts["kinds"], "option").text = kind
    _rows(parts["faults"], [(each.kind, f"{each.rate:g}", str(each.next), each.only or "") for each in fake.faults])
    struck = fake.faults.struck
    parts["struck"].text = ", ".join(f"{kind} {times}" for kind, times in struck.items()) or _NONE
    return "<!doctype html>\n" + ET.tostring(root, encoding="unicode", method="html")


def _rows(body: ET.Element, rows: Iterable[Sequence[str]]) -> None:
    for row in rows:
        _row(body, row)
    if not len(body):
        _row(body, (_NONE,))


def _row(body: ET.Element, cells: Sequence[str]) -> ET.Element:
    line = ET.SubElement(body, "tr")
    for cell in cells:
        ET.SubElement(line, "td").text = cell
    return line


def _payables(body: ET.Element, found: Sequence[books.Payable]) -> None:
    for each in found:
        amount = "any" if each.amount is None else str(each.amount)
        line = _row(body, (each.product, each.reference, amount))
        if each.amount is not None:
            what = {"do": "pay", "reference": each.reference, "amount": str(each.amount)}
            _button(ET.SubElement(line, "td"), "Pay", what)
    _rows(body, ())


def _waiting(body: ET.Element, found: Sequence[books.Waiting]) -> None:
    for each in found:
        cell = ET.SubElement(_row(body, (each.request_id, each.user_id, each.channel)), "td")
        for label, answer in (("Yes", "yes"), ("No", "no")):
            _button(cell, label, {"do": "authorize", "request_id": each.request_id, "answer": answer})
    _rows(body, ())


def _button(place: ET.Element, label: str, fields: dict[str, str]) -> None:
    form = ET.SubElement(place, "form", method="post", action="/")
    for name, value in fields.items():
        ET.SubElement(form, "input", type="hidden", name=name, value=value)
    ET.SubElement(form, "button").text = label
