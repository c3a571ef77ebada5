"""A second opinion on files of payouts: what may be paid, decided by other means than the package's.

It takes nothing from `paycools_async` but what was accepted: it reads the bytes itself, line by line, knows characters
by their category and by the Unicode standard's list of ignorable ones, and the fields by a table of its own.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

__all__ = ["account_is_right", "code_is_right", "lines_of", "payout_is_right", "row_in", "text_is_right"]

# Unicode, DerivedCoreProperties.txt: Default_Ignorable_Code_Point
_IGNORABLE = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip
_LOST_OR_EMPTY = {0x2800, 0xFFFC, 0xFFFD, 0x16FE4, 0x1D159}  # blank glyphs that the standard calls visible


def text_is_right(text: str) -> bool:
    """Whether any field may hold this text."""
    for char in text:
        point = ord(char)
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            return False
        if unicodedata.category(char) == "Zs" and point != 0x20:
            return False
        if point in _LOST_OR_EMPTY or any(low <= point <= high for low, high in _IGNORABLE):
            return False
    return text != "" and text == text.strip()


_NO_NUMBER = ("nan", "null", "none", "nil", "n/a", "#n/a", "undefined", "nat", "inf", "")


def account_is_right(text: str) -> bool:
    """Whether this can be the number of an account of a bank, a wallet or a card."""
    if not text_is_right(text) or text.lower() in _NO_NUMBER:
        return False
    if text[0] == "+":
        return len(text) > 8 and all(char in "0123456789" for char in text[1:])
    plain = text.replace(" ", "").replace("-", "")
    if any(char not in "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" for char in plain):
        return False
    if "  " in text or "--" in text or text[0] in " -" or text[-1] in " -":
        return False
    if not any(char in "0123456789" for char in plain) or set(plain) == {"0"}:
        return False
    if _is_a_date(text) or _is_money(text):
        return False
    before, letter, behind = plain.upper().partition("E")
    return not (letter and before.isdigit() and behind.isdigit())  # 1E11 is what a spreadsheet rounded


_MONTHS = (
    "jan feb mar apr may jun jul aug sep oct nov dec mei agu ags okt des mac ogo dis ene peb abr hun hul ago nob mrz "
    "mai dez dic sept ogos"
)
_MONTH_BEGINS = frozenset(_MONTHS.split())


def _is_a_date(text: str) -> bool:
    """Whether a spreadsheet may show a day so: a month by its name, and one or two numbers of a day or a year."""
    words = text.replace("-", " ").replace("/", " ").replace(".", " ").lower().split()
    months = [word for word in words if word.isalpha()]
    days = [word for word in words if word.isdigit()]
    return (
        len(months) == 1
        and months[0] in _MONTH_BEGINS
        and len(days) == len(words) - 1
        and 0 < len(days) < 3
        and all(len(day) < 3 or (len(day) == 4 and day[:2] in ("19", "20", "25")) for day in days)
    )


def _is_money(text: str) -> bool:
    words = text.upper().split(" ")
    return words[0] in ("PHP", "IDR", "MYR", "THB", "RP", "RM", "USD") and len(words) > 1 and words[1][:1].isdigit()


def code_is_right(text: str) -> bool:
    """Whether this can be the code of a bank, a wallet or a channel."""
    if not text_is_right(text) or text.lower() in _NO_NUMBER or not text.isascii():
        return False
    if text[0] in "=#'\"+-@" or any(char in '=#\'",;:+*"!?@<>{}[]|\\^~`$%' for char in text):
        return False
    return set(text) - set("0.,- ") != set() and re.fullmatch(r"[0-9]+[.][0-9]*", text) is None


_NAMES = {
    "PH": (30, lambda char: char.isascii() and (char.isalpha() or char in " '.-")),
    "GLOBAL PH": (128, lambda char: unicodedata.category(char)[0] == "L" or char in "0123456789 '.-"),
    "OTHER": (128, lambda char: True),
}
_LONGEST = {"remark": 256, "account_no": 50, "email": 50, "birth_place": 200, "id_card_pic_url": 200}
_MOBILES = {"PH": r"09\d{9}", "ID": r"08\d{8,11}", "MY": r"01\d{8,9}", "TH": r"0[689]\d{8}"}


def payout_is_right(api: str, request: Any) -> list[str]:
    """The fields of an accepted payout that should not have been. `api`: PH, GLOBAL PH, ID, MY or TH."""
    names = {name for cls in type(request).__mro__ for name in getattr(cls, "__slots__", ())}
    fields = {name: getattr(request, name) for name in names if not name.startswith("_")}
    wrong = []
    for name, value in fields.items():
        if isinstance(value, str) and not text_is_right(value):
            wrong.append(name)
        if isinstance(value, str) and name.endswith("_code") and not code_is_right(value):
            wrong.append(name)
    for name in ("mch_order_id", "idempotency_id"):
        if re.fullmatch(r"[A-Za-z0-9]{1,32}", fields[name], re.ASCII) is None:
            wrong.append(name)
    longest, takes = _NAMES.get(api, _NAMES["OTHER"])
    qr = fields["pay_method_code"] == "SCANQR"
    name = fields["account_name"]
    if name is not None and (len(name) > longest or not (qr or all(map(takes, name)))):
        wrong.append("account_name")
    if not qr and not account_is_right(fields["account_no"]):
        wrong.append("account_no")
    if fields["pay_method_code"] == "EWALLET" and api in ("PH", "GLOBAL PH"):
        wrong += [] if re.fullmatch(_MOBILES["PH"], fields["account_no"], re.ASCII) else ["account_no"]
    if fields.get("mobile") is not None and re.fullmatch(_MOBILES[api], fields["mobile"], re.ASCII) is None:
        wrong.append("mobile")
    wrong += [each for each, most in _LONGEST.items() if isinstance(fields.get(each), str)
              and not (qr or (api == "PH" and each == "account_no")) and len(fields[each]) > most]  # fmt: skip
    if type(fields["amount"]) is not int or fields["amount"] < 1:
        wrong.append("amount")
    return wrong


# -- files -------------------------------------------------------------------------------------------------------------


def lines_of(content: bytes) -> list[str]:
    """The lines of a file of text, in the encoding of its mark."""
    encoding = "utf-8"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    text = content.decode(encoding).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def row_in(line: str, delimiter: str) -> list[str] | None:
    """The cells of one line; None where its quotation marks do not match within it."""
    cells, cell, at, quoted = [], "", 0, False
    while at < len(line):
        char = line[at]
        if quoted:
            if char == '"' and line[at + 1 : at + 2] == '"':
                cell, at = cell + '"', at + 1
            elif char == '"':
                quoted = False
                if line[at + 1 : at + 2] not in ("", delimiter):
                    return None
            else:
                cell += char
        elif char == '"' and (at == 0 or line[at - 1] == delimiter) and cell == "":
            quoted = True
        elif char == delimiter:
            cells.append(cell)
            cell = ""
        else:
            cell += char
        at += 1
    return None if quoted else [*cells, cell]


def amount_of(text: str, places: int = 2) -> int | None:
    """The minor units of a plain decimal."""
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", text, re.ASCII) is None:
        return None
    minor = Decimal(text).scaleb(places)
    return int(minor) if minor == int(minor) else None
