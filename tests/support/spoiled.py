"""Files as people have them: what spreadsheets, chats and exports make of a file of payouts. Every name is invented."""

from __future__ import annotations

import attrs

BANK = ["mch_order_id", "amount", "pay_method_code", "bank_code", "account_no", "account_name"]
WALLET = ["mch_order_id", "amount", "pay_method_code", "ewallet_code", "account_no", "account_name", "remark"]
PAYEE = "Ana Reyes Santos"


def bank(account: str, *, order: str = "SPOILED00001", code: str = "BPI", name: str = PAYEE) -> str:
    """A file of one payout to a bank."""
    return f"{','.join(BANK)}\r\n{order},750.25,BANK,{code},{account},{name}\r\n"


def wallet(account: str = "09181112223", *, code: str = "GCASH", name: str = PAYEE, order: str = "SPOILED00002") -> str:
    """A file of one payout to a wallet."""
    return f"{','.join(WALLET)}\n{order},750.25,EWALLET,{code},{account},{name},\n"


def row(number: int, remark: str = "") -> str:
    return f"SPOILED{number:05},750.25,EWALLET,GCASH,0918111222{number % 10},{PAYEE},{remark}"


HEAD = ",".join(WALLET)


@attrs.frozen
class Case:
    """A file and what must come of it: `told` of a file that is refused, `rows` of one that is read."""

    content: bytes
    told: tuple[str, ...] = ()
    rows: int = 0
    notes: tuple[str, ...] = ()
    suffix: str = ".csv"
    never: str = ""
    """What no message may repeat."""


def refused(text: str, *told: str, never: str = "", suffix: str = ".csv") -> Case:
    return Case(text.encode(), told, never=never, suffix=suffix)


def read(text: str, *notes: str, rows: int = 1, encoding: str = "utf-8") -> Case:
    return Case(text.encode(encoding), rows=rows, notes=notes)


def _jsonl(account: str = '"0098765432"', amount: str = '"750.25"') -> str:
    return (
        f'{{"mch_order_id": "SPOILED00001", "amount": {amount}, "pay_method_code": "BANK", "bank_code": "BPI", '
        f'"account_no": {account}, "account_name": "{PAYEE}"}}\n'
    )


NUMBER = "0098765432"
ROUNDED = "line 2, account_no: a spreadsheet has rounded this number"
NOTHING = "line 2, account_no: is what programs write where nothing stands"

CASES: dict[str, Case] = {
    "account_decimal_comma_rounded": refused(bank('"9,87654E+11"'), ROUNDED, never="87654"),
    "account_point_rounded": refused(bank("9.87654E+11"), ROUNDED, never="87654"),
    "account_excel_error": refused(bank("#N/A"), NOTHING),
    "account_nan": refused(bank("nan"), NOTHING),
    "account_null": refused(bank("NULL"), NOTHING),
    "account_none": refused(bank("None"), NOTHING),
    "account_reference": refused(bank("#REF!"), NOTHING),
    "account_excel_text_formula": refused(
        bank(f'"=""{NUMBER}"""'), "line 2, account_no: begins with =, as a formula does", never=NUMBER
    ),
    "account_leading_apostrophe": refused(
        bank(f"'{NUMBER}"), "line 2, account_no: begins with an apostrophe", never=NUMBER
    ),
    "account_ltr_marks": refused(
        bank(f"\u202a{NUMBER}\u202c"),
        "line 2, account_no: character 1 is LEFT-TO-RIGHT EMBEDDING (U+202A)",
        never=NUMBER,
    ),
    "account_nbsp_inside": refused(
        bank("0098\u00a0765\u00a0432"), "line 2, account_no: character 5 is NO-BREAK SPACE (U+00A0)", never="765"
    ),
    "account_negative": refused(bank("-98765432"), "line 2, account_no: has a minus", never="98765432"),
    "account_in_brackets": refused(bank("(98765432)"), "line 2, account_no: has a minus", never="98765432"),
    "account_newline_inside": refused(
        bank('"0098\n765432"'), "line 2, row: a cell holds a line break: it begins in line 2 and ends in line 3"
    ),
    "account_tab_inside": refused(
        bank("0098\t765432"), "line 2, account_no: character 5 is CHARACTER TABULATION (U+0009)", never="765432"
    ),
    "account_thai_digits": refused(
        bank("๐๐๙๘๗๖๕๔๓๒"), "line 2, account_no: ", "character 1 is THAI DIGIT ZERO (U+0E50)", never="๐๐๙๘"
    ),
    "account_thousands": refused(bank('"98,765,432,109"'), "line 2, account_no: holds a decimal point or thousands"),
    "account_thousands_points": refused(bank("98.765.432"), "line 2, account_no: holds a decimal point or thousands"),
    "account_thousands_blanks": refused(bank("98 765 432"), "line 2, account_no: is written in groups of three"),
    "account_point_zero": refused(bank("98765432.0"), "line 2, account_no: holds a decimal point", never="98765432"),
    "account_zeros": refused(bank("0000000000"), "line 2, account_no: is zeros only"),
    "account_date": refused(bank("2026-02-01"), "line 2, account_no: looks like a date", never="2026-02"),
    "account_zero_width_space": refused(
        bank(f"{NUMBER}\u200b"), "line 2, account_no: character 11 is ZERO WIDTH SPACE (U+200B)", never=NUMBER
    ),
    "nan_account": refused(_jsonl(account="NaN"), "line 1, account_no: NaN is no value", suffix=".jsonl"),
    "infinite_account": refused(_jsonl(account="-Infinity"), "account_no: -Infinity is no value", suffix=".jsonl"),
    "number_account": refused(_jsonl(account="98765432"), "account_no: must be a text in quotes", suffix=".jsonl"),
    "nan_amount": refused(_jsonl(amount="NaN"), "line 1, amount: NaN is no value", suffix=".jsonl"),
    "quote_pair_far": refused(
        "\n".join([HEAD, row(1), row(2, '"wages'), row(3), row(4, 'extra"'), row(5), ""]),
        "line 3, row: a cell holds a line break: it begins in line 3 and ends in line 5; perhaps a quotation mark is "
        "missing",
    ),
    "quote_open_remark": refused(
        "\n".join([HEAD, row(1), row(2, '"wages'), *map(row, range(3, 20)), ""]),
        "line 3, row: a cell that begins in line 3 does not end before line 20 does",
        "perhaps a quotation mark is missing",
    ),
    "quote_open_in_a_long_file": refused(
        "\n".join([HEAD, row(1), row(2, '"wages'), *map(row, range(3, 400)), ""]),
        "line 3: a cell that begins here holds more than 50 lines; perhaps a quotation mark is missing",
    ),
    "name_enye": refused(
        wallet(name="Ana Ibáñez"),
        "line 2, account_name: letters, spaces and ' . - only: character 7 is á LATIN SMALL LETTER A WITH ACUTE",
        "--plain-names would send a for á LATIN SMALL LETTER A WITH ACUTE (U+00E1), n for ñ",
        never="Ib",
    ),
    "name_curly": refused(
        wallet(name="Ana D’Souza"),
        "character 6 is RIGHT SINGLE QUOTATION MARK (U+2019)",
        "--plain-names would send ' for RIGHT SINGLE QUOTATION MARK",
        never="Souza",
    ),
    "name_nbsp": refused(
        wallet(name="Ana\u00a0Reyes"),
        "line 2, account_name: character 4 is NO-BREAK SPACE (U+00A0)",
        "--plain-names would send a blank for NO-BREAK SPACE",
        never="Reyes",
    ),
    "gcash_ltr": refused(
        wallet("\u202a+639181112223\u202c"), "line 2, account_no: character 1 is LEFT-TO-RIGHT EMBEDDING", never="918"
    ),
    "gcash_spaces": refused(
        wallet("0918 111 2223"),
        "line 2, account_no: is no Philippine mobile number (09 and nine more digits): character 5 is SPACE (U+0020)",
        never="111 2223",
    ),
    "wallet_nbsp": refused(
        wallet(code="GCASH\u200b"), "line 2, ewallet_code: character 6 is ZERO WIDTH SPACE (U+200B)"
    ),
    "code_formula": refused(bank(NUMBER, code="=BPI"), "line 2, bank_code: begins with ="),
    "code_nan": refused(bank(NUMBER, code="nan"), "line 2, bank_code: is what programs write where nothing stands"),
    "code_point_zero": refused(bank(NUMBER, code="14.0"), "line 2, bank_code: holds a decimal point"),
    "order_dash": refused(
        wallet(order="PAY-2026-0007"),
        "line 2, mch_order_id: letters and digits only: character 4 is HYPHEN-MINUS (U+002D)",
    ),
    "title_first": refused(
        f"March wages,,,,,,\n{wallet()}", "line 1 looks like a title; the header is line 2: take out what stands above"
    ),
    "total": refused(f"{wallet()}TOTAL,750.25,,,,,\n", "line 3, row: looks like a line of totals; take it out"),
    "total_without_a_word": refused(f"{wallet()},750.25,,,,,\n", "line 3, row: looks like a line of totals"),
    "header_twice": refused(f"{wallet()}{HEAD}\n", "line 3, row: repeats the header; take it out"),
    "no_header": refused(f"{row(1)}\n{row(2)}\n", "line 1 is no header", never="0918"),
    "cp1252_row_150": Case(
        "\n".join([HEAD, *map(row, range(1, 150)), row(150, "café"), row(151), ""]).encode("cp1252"),
        ("line 151: the text is not UTF-8", "save it as UTF-8", "--encoding cp1252"),
    ),
    "utf16_without_a_mark": Case(wallet().encode("utf-16-le"), ("looks like UTF-16 without its mark",)),
    "xlsx_by_another_name": Case(b"PK\x03\x04" + bytes(40), ("is an .xlsx file or another archive by its content",)),
    "semicolon": read(wallet().replace(",", ";"), "the columns are separated by semicolons"),
    "sep_semicolon": read("sep=;\n" + wallet().replace(",", ";"), "the columns are separated by semicolons"),
    "tab": read(wallet().replace(",", "\t"), "the columns are separated by tabs"),
    "utf8_with_a_mark": read("\ufeff" + wallet()),
    "utf16": read(wallet(), "the text is read as UTF-16", encoding="utf-16"),
    "header_case": read(wallet().replace(HEAD, HEAD.title())),
    "header_spaces": read(wallet().replace("account_no", " account no. ").replace("mch_order_id", "Mch Order ID")),
    "header_camel": read(
        wallet().replace(HEAD, "mchOrderId,amount,payMethodCode,ewalletCode,accountNo,accountName,remark")
    ),
    "trailing_commas": read(f"{HEAD},,\n{row(1)},,\n,,,,,,,,\n"),
    "leading_comma": read(f",{HEAD}\n,{row(1)}\n"),
    "blank_first": read(f"\n\n{wallet()}"),
    "blanks_at_the_ends_of_cells": read(wallet(" 09181112223 ")),
    "passed_over": read(f"{HEAD},_note\n{row(1)},ask Ana\n"),
    "old_mac": read(wallet().replace("\n", "\r")),
}
