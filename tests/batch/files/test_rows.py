"""Reading orders: every fault has its line, its column and a reason, and none shows account data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paycools_async import CreatePayout
from paycools_async.batch import FileError, Order, RowError, read_orders
from paycools_async.batch.files.repeats import Repeats
from paycools_async.global_api import CreateThaiPayout

GOOD = {
    "mch_order_id": "PAY1",
    "amount": "500.10",
    "pay_method_code": "EWALLET",
    "ewallet_code": "GCASH",
    "account_no": "09171234567",
    "account_name": "Juan Dela Cruz",
}


def csv_file(tmp_path: Path, *changes: dict[str, str]) -> Path:
    path = tmp_path / "orders.csv"
    columns = list(dict.fromkeys(name for change in changes for name in {**GOOD, **change}))
    lines = [columns, *([{**GOOD, **change}.get(column, "") for column in columns] for change in changes)]
    path.write_text("\n".join(",".join(line) for line in lines) + "\n", "utf-8")
    return path


def read(path: Path) -> list[Order | RowError]:
    return list(read_orders(path, CreatePayout, "PHP"))


def test_a_row_becomes_a_request_in_centavos(tmp_path: Path) -> None:
    [order] = read(csv_file(tmp_path, {"account_no": " +639171234567 ", "gender": "0"}))
    assert isinstance(order, Order)
    assert (order.line, order.request.amount, order.request.account_no) == (2, 50010, "09171234567")
    assert (order.request.gender, order.request.remark) == (0, None)


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ({"amount": "500.105"}, "amount", "more than 2 decimals"),
        ({"amount": "1e3"}, "amount", "not a plain decimal"),
        ({"amount": "-5"}, "amount", "not a plain decimal"),
        ({"amount": "NaN"}, "amount", "not a plain decimal"),
        ({"amount": "+5"}, "amount", "not a plain decimal"),
        ({"amount": "٥٠٠"}, "amount", "not a plain decimal"),
        ({"amount": "500.1000000000000001"}, "amount", "more than 2 decimals"),
        ({"amount": ""}, "amount", "is empty"),
        ({"amount": "0.99"}, "amount", "is PHP 0.99, must be at least PHP 1.00"),
        ({"amount": "5000000.01"}, "amount", "is PHP 5,000,000.01, must be at most PHP 5,000,000.00"),
        ({"mch_order_id": ""}, "mch_order_id", "is empty"),
        ({"mch_order_id": "PAY-1"}, "mch_order_id", "letters and digits only"),
        ({"mch_order_id": "P" * 33}, "mch_order_id", "33 characters, must be at most 32"),
        ({"account_name": "Juan " * 7}, "account_name", "must be at most 30"),
        ({"account_name": "Juan2"}, "account_name", "letters, spaces"),
        ({"account_no": "9.17123E+09"}, "account_no", "a spreadsheet has rounded this number"),
        ({"account_no": "0917123456"}, "account_no", "no Philippine mobile number"),
        ({"pay_method_code": "CASH"}, "pay_method_code", "must be one of BANK, EWALLET, SCANQR"),
        ({"ewallet_code": ""}, "ewallet_code", "is required when pay_method_code is EWALLET"),
        ({"pay_method_code": "BANK"}, "bank_code", "is required when pay_method_code is BANK"),
        ({"gender": "x"}, "gender", "must be a whole number"),
        ({"id_card_expiry_date": "2026-02-30"}, "id_card_expiry_date", "no day as yyyy-MM-dd"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, change: dict[str, str], column: str, reason: str) -> None:
    good, error = read(csv_file(tmp_path, {}, change))
    assert isinstance(good, Order)
    assert isinstance(error, RowError)
    assert (error.line, error.column) == (3, column)
    assert reason in error.reason


def test_all_faults_of_a_row_are_told_at_once_even_beside_a_bad_amount(tmp_path: Path) -> None:
    errors = read(csv_file(tmp_path, {"amount": "1e3", "account_name": "J2", "pay_method_code": "CASH"}))
    assert [error.column for error in errors if isinstance(error, RowError)] == [
        "amount",
        "pay_method_code",
        "account_name",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("mch_order_id;amount\nA;1\n", "line 1: column 'account_name' is missing; column 'account_no' is missing"),
        ("mch_order_id,amout\n", "unknown column 'amout' (did you mean 'amount'?)"),
        ("mch_order_id,amount\n", "column 'account_no' is missing"),
        (",".join([*GOOD, "amount_minor"]) + "\n", "one of the columns 'amount'"),
        (",".join([*GOOD, "amount"]) + "\n", "stands there twice"),
    ],
)
def test_a_file_that_is_no_file_of_orders_is_refused_as_a_whole(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(FileError) as caught:
        read(path)
    assert told in str(caught.value)


def test_a_missing_file_another_kind_and_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(FileError, match=r"\.csv or a \.jsonl"):
        read(tmp_path / "orders.doc")
    path = csv_file(tmp_path, {})
    path.write_bytes(path.read_bytes().replace(b"Juan", "Peña".encode("latin-1")))
    with pytest.raises(FileError, match="not UTF-8"):
        read(path)


def test_lines_are_those_of_the_file_also_behind_blank_and_quoted_lines(tmp_path: Path) -> None:
    path = csv_file(tmp_path, {}, {"remark": '"two\nlines"'}, {"amount": "x"})
    path.write_text(path.read_text("utf-8").replace("two\nlines", "two\nlines", 1), "utf-8-sig")
    lines = [found.line for found in read(path)]
    assert lines == [2, 3, 5]


def test_json_lines_keep_the_amount_as_written(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    numbers = json.dumps(GOOD).replace('"500.10"', "500.10")
    minor = json.dumps({**{k: v for k, v in GOOD.items() if k != "amount"}, "amount_minor": 50010})
    noise = json.dumps(GOOD).replace('"500.10"', "500.1000000001")
    path.write_text(
        "\n".join([numbers, minor, noise, "{", "[]", '{"amount": 1, "amount": 2}', '{"amout": 1}']), "utf-8"
    )
    first, second, *errors = read(path)
    assert isinstance(first, Order)
    assert isinstance(second, Order)
    assert (first.request.amount, second.request.amount) == (50010, 50010)
    assert [str(error) for error in errors] == [
        "line 3, amount: '500.1000000001': more than 2 decimals, which PHP does not have",
        "line 4, row: is not valid JSON",
        "line 5, row: is not a JSON object",
        "line 6, row: names a field twice",
        "line 7, amout: is no field of a payout (did you mean 'amount'?)",
    ]


def test_account_data_is_in_no_message(tmp_path: Path) -> None:
    path = csv_file(tmp_path, {"account_no": "0917999888", "account_name": "Secret Person 99", "email": "no.mail"})
    told = " ".join(str(error) for error in read(path))
    assert "account_no" in told
    for secret in ("0917999888", "Secret", "no.mail"):
        assert secret not in told


def test_payees_without_a_name_are_told_apart_by_account_and_amount(tmp_path: Path) -> None:
    header = "mch_order_id,amount,pay_method_code,promptpay_account_type,account_no\n"
    rows = "".join(f"PAY{n},500.10,PROMPTPAY,MSISDN,081234567{n}\n" for n in (1, 2))
    path = tmp_path / "o.csv"
    path.write_text(f"{header}{rows}PAY3,500.10,PROMPTPAY,MSISDN,0812345671\n")
    repeats = Repeats()
    assert len(list(repeats.watching(read_orders(path, CreateThaiPayout, "THB")))) == 3
    assert repeats.found == [(2, 4)]
