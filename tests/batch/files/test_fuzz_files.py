"""Fuzzed cells and files: no traceback, and nothing accepted that a second, independent checker refuses.

PAYCOOLS_FUZZ_CELLS and PAYCOOLS_FUZZ_FILES make it as long as one likes.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import string
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support.checker import amount_of, lines_of, payout_is_right, row_in
from support.size import size
from support.spoiled import CASES

from paycools_async import CreatePayout
from paycools_async.batch import FileError, Order, OrderFile, Reading, RowError
from paycools_async.batch.run.payout_api import payout_request
from paycools_async.countries import COUNTRIES, PAYOUT_COUNTRIES

CELLS = size(1000, 3000, "PAYCOOLS_FUZZ_CELLS")
FILES = size(40, 120, "PAYCOOLS_FUZZ_FILES")
SEED = int(os.environ.get("PAYCOOLS_FUZZ_SEED", "18"))

APIS: dict[str, tuple[str, type[Any]]] = {
    "PH": ("PHP", CreatePayout),
    **{
        {"PH": "GLOBAL PH"}.get(country, country): (COUNTRIES[country].currency, payout_request(country))
        for country in PAYOUT_COUNTRIES
    },
}
BANK = {"amount": "500.10", "pay_method_code": "BANK", "account_no": "0098765432", "account_name": "Ana Reyes"}
ROWS: dict[str, list[dict[str, str]]] = {
    "PH": [
        {**BANK, "bank_code": "BPI", "remark": "wages"},
        {**BANK, "pay_method_code": "EWALLET", "ewallet_code": "GCASH", "account_no": "09181112223"},
        {**BANK, "pay_method_code": "SCANQR", "account_no": "00020101021127ABC6304", "account_name": "Ana & Co. 24"},
    ],
    "GLOBAL PH": [
        {**BANK, "transfer_code": "BPI", "remark": "wages"},
        {**BANK, "pay_method_code": "EWALLET", "transfer_code": "GCASH", "account_no": "09181112223"},
    ],
    "ID": [{**BANK, "amount": "20000", "transfer_code": "CIMB", "mobile": "081211112222", "remark": "wages"}],
    "MY": [{**BANK, "transfer_code": "RHBB", "account_type": "BANK_ACCOUNT", "remark": "wages"}],
    "TH": [
        {
            **BANK,
            "transfer_code": "BBL",
            "account_type": "INDIVIDUAL",
            "account_tax_id": "1101700000000",
            "mobile": "0812345678",
            "relationship": "staff",
        }
    ],
}
WORDS = [
    "nan", "NaN", "null", "None", "#N/A", "#REF!", "#VALUE!", "N/A", "-", "--", "TRUE", "0", "000", "1.0", "1,5", "1E5",
    "1,23E+11", "1.23457E+11", "=A1", '="0012"', "'0012", "-5", "(5)", "12,345", "12.345.678", "12 345 678", "1-Mar",
    "01/02/2026", "+639181112223", "0918 111 2223", "\u0e51\u0e52\u0e53", "\uff11\uff12", "x" * 300, "9" * 400, "",
    " ", "\u00a0", "\t", "\u200b", "\ufeff", "\x00", "Ana Ib\u00e1\u00f1ez", "a\nb", '"', '""', ",", ";", "@SUM(1)",
    "\U0001f600",
]  # fmt: skip
MARKS = "\u200b\u202a\u00a0\u2009\u3000\ufeff\u00ad\u2028\x85\x1f\ufe0f\u3164"


def any_character(chance: random.Random) -> str:
    """One of all characters; half of the time one of those that do harm."""
    while True:
        char = chance.choice(MARKS) if chance.random() < 0.5 else chr(chance.randrange(sys.maxunicode + 1))
        if unicodedata.category(char) != "Cs":  # no file can hold half a character
            return char


def fuzzed(chance: random.Random, cell: str) -> str:
    """A cell as it might have become."""
    way = chance.randrange(7)
    at = chance.randrange(len(cell) + 1)
    if way == 0:
        return chance.choice(WORDS)
    if way == 1:
        return cell[:at] + any_character(chance) + cell[at:]
    if way == 2:
        return cell[:at] + chance.choice(string.punctuation + " \t\r\n") + cell[at:]
    if way == 3:
        return any_character(chance) + cell if chance.random() < 0.5 else cell + any_character(chance)
    if way == 4:
        return chance.choice(WORDS) + cell if chance.random() < 0.5 else cell + chance.choice(WORDS)
    if way == 5:
        return "".join(any_character(chance) for _ in range(chance.randrange(1, 8)))
    return cell[:at] + cell[at + 1 :]


def read(path: Path, api: str, how: Reading | None = None) -> list[Order | RowError]:
    currency, request_class = APIS[api]
    return list(OrderFile(path, request_class, currency, how))


def same(given: dict[str, str], order: Order, api: str) -> list[str]:
    """The fields of an accepted row that are not what stood in its cells."""
    request, wrong = order.request, []
    for name, cell in given.items():
        wanted: Any = cell.strip(" ") or None
        if name == "amount":
            wanted = amount_of(cell.strip(" "), 0 if api == "ID" else 2)
        got = getattr(request, name)
        if got != wanted and not (name in ("account_no", "mobile") and wanted and got[-9:] == wanted[-9:]):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("api", APIS)
def test_no_fuzzed_cell_is_accepted_that_the_second_checker_refuses(api: str, form: str, tmp_path: Path) -> None:
    chance = random.Random(f"{SEED} {api} {form}")
    total, accepted = max(CELLS // (2 * len(APIS)), 1), 0
    for start in range(0, total, 2000):
        rows: dict[str, dict[str, str]] = {}
        for number in range(start, min(start + 2000, total)):
            row = dict(chance.choice(ROWS[api]))
            column = chance.choice(list(row))
            row[column] = fuzzed(chance, row[column])
            rows[f"FUZZ{number:08}"] = {"mch_order_id": f"FUZZ{number:08}", **row}
        path = tmp_path / f"fuzz.{form}"
        path.write_bytes(_as_csv(rows) if form == "csv" else _as_jsonl(rows))
        for found in read(path, api):
            if isinstance(found, Order):
                row, accepted = rows[found.request.mch_order_id], accepted + 1
                assert (payout_is_right(api, found.request), same(row, found, api)) == ([], []), row
    assert total // 50 < accepted < total, "the fuzz reaches both sides"


def _as_csv(rows: dict[str, dict[str, str]]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    for row in rows.values():
        if not any(char in cell for cell in row.values() for char in "\r\n"):  # they have a test of their own below
            writer.writerow(row)
    return text.getvalue().encode()


def _as_jsonl(rows: dict[str, dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows.values()).encode()


# -- whole files -------------------------------------------------------------------------------------------------------

DELIMITERS = ",;\t|"
HEADER = list(dict.fromkeys(name for row in ROWS["PH"] for name in ["mch_order_id", *row]))


def a_file(chance: random.Random) -> bytes:
    """A file, or one of the spoiled ones, with some bytes or lines changed."""
    if chance.random() < 0.3:
        content = chance.choice(list(CASES.values())).content
    else:
        delimiter = chance.choice(DELIMITERS) if chance.random() < 0.4 else ","
        lines = [delimiter.join(HEADER)]
        for number in range(chance.randrange(1, 12)):
            row = {"mch_order_id": f"FILE{number:08}", **chance.choice(ROWS["PH"])}
            if chance.random() < 0.1:
                column = chance.choice(list(row))
                row[column] = fuzzed(chance, row[column])
            quote = '"' if chance.random() < 0.2 else ""
            lines.append(delimiter.join(f"{quote}{row.get(name, '')}{quote}" for name in HEADER))
        content = (chance.choice(["\n", "\r\n", "\r"]).join(lines) + chance.choice(["", "\n"])).encode()
    for _ in range(chance.randrange(4)):
        content = _changed(chance, content)
    return content


def _changed(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    way = chance.randrange(8)
    if way == 0:
        return content[:at] + bytes([chance.randrange(256)]) + content[at:]
    if way == 1:
        return content[:at] + b'"' + content[at:]
    if way == 2:
        return content[:at] + content[at + chance.randrange(1, 40) :]
    if way == 3:
        return content[:at] + chance.choice([b"\n", b"\r", b"\r\n", b",", b";", b"\t", b"\x00"]) + content[at:]
    if way == 4:
        try:
            return content.decode().encode("utf-16")
        except UnicodeDecodeError:
            return content
    if way == 5:
        return b"\xef\xbb\xbf" + content
    lines = content.split(b"\n")
    line = chance.randrange(len(lines))
    return b"\n".join([*lines[:line], *([lines[line]] * 2 if way == 6 else []), *lines[line + 1 :]])


def expected_rows(content: bytes) -> dict[int, dict[str, str]] | None:
    """Each line of a file that is a row, as the second reader reads it; None where a mark is open at a line's end."""
    lines = lines_of(content)
    header: list[str] | None = None
    delimiter, found = ",", {}
    for number, line in enumerate(lines, 1):
        if line.strip(" \t\"'" + DELIMITERS) == "":
            continue
        if header is None:
            if line.lower().strip('"').startswith("sep="):
                continue
            header, delimiter = _header(line)
            continue
        cells = row_in(line, delimiter)
        if cells is None:
            return None
        found[number] = {name: cell for name, cell in zip(header, cells, strict=False) if name}
    return found


def _header(line: str) -> tuple[list[str], str]:
    def plain(name: str) -> str:
        return "".join(char for char in name.lower() if char.isalnum())

    known = {
        plain(name): name for name in (*HEADER, "amount_minor", "idempotency_id", "email", "gender", "birth_place")
    }
    split = {
        delimiter: [known.get(plain(cell), "") for cell in row_in(line, delimiter) or []] for delimiter in DELIMITERS
    }
    best = max(DELIMITERS, key=lambda delimiter: sum(map(bool, split[delimiter])))
    return split[best], best


def test_no_fuzzed_file_is_accepted_that_the_second_checker_refuses(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    path = tmp_path / "fuzz.csv"
    accepted = 0
    for _ in range(FILES):
        path.write_bytes(content := a_file(chance))
        try:
            found = read(path, "PH")
        except FileError:
            continue
        if any(isinstance(each, RowError) for each in found):
            continue  # one bad row, and nothing of the file is sent
        rows = expected_rows(content)
        assert rows is not None, content
        assert [each.line for each in found] == list(rows), content
        for order in found:
            assert isinstance(order, Order)
            given = {name: cell for name, cell in rows[order.line].items() if name in (*HEADER, "amount")}
            assert (payout_is_right("PH", order.request), same(given, order, "PH")) == ([], []), content
        accepted += bool(found)
    assert accepted > FILES // 20, "the fuzz reaches files that are accepted"


def test_no_fuzzed_json_lines_make_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(SEED + 1)
    path = tmp_path / "fuzz.jsonl"
    for _ in range(max(FILES // 4, 10)):
        rows = {f"J{n:08}": {"mch_order_id": f"J{n:08}", **chance.choice(ROWS["PH"])} for n in range(5)}
        content = _as_jsonl(rows)
        for _ in range(chance.randrange(1, 5)):
            content = _changed(chance, content)
        path.write_bytes(content)
        try:
            found = read(path, "PH")
        except FileError:
            continue
        for each in found:
            assert not isinstance(each, Order) or payout_is_right("PH", each.request) == [], content
