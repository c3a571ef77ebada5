"""Reading leniently, writing strictly: between Python and PayCools' JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from paycools_async import CreatePayout, PayoutReceipt, TransactionStatus, converters
from paycools_async.converters import structure, unstructure
from paycools_async.endpoint import Result, result
from paycools_async.enums import OpenEnum
from paycools_async.ph.account import Balance, PaymentRecord, PaymentStatement


class Colour(OpenEnum):
    RED = "RED"


@result
class Leaf(Result):
    size: int


@result
class Tree(Result):
    """Every kind of field that results have."""

    number: int
    text: str
    price: Decimal
    made: datetime
    colour: Colour
    leaves: list[Leaf]
    one: Leaf | None = None
    names: list[str] | None = None
    maybe_number: int | None = None
    maybe_text: str | None = None
    maybe_price: Decimal | None = None
    maybe_made: datetime | None = None
    maybe_colour: Colour | None = None
    old_name: str | None = attrs.field(default=None, metadata={"wire": "NEW_NAME", "aliases": ("oldName", "older")})


def sent(**changes: Any) -> dict[str, Any]:
    fields = {
        "number": 7,
        "text": "x",
        "price": Decimal("1.50"),
        "made": "2026-03-11 18:04:03",
        "colour": "RED",
        "leaves": [{"size": 1}],
    }
    return {**fields, **changes}


def read(**changes: Any) -> Tree:
    tree = structure(sent(**changes), Tree)
    assert isinstance(tree, Tree)
    return tree


def complaint(value: Any, into: Any = Tree) -> str:
    with pytest.raises(ValueError) as caught:
        structure(value, into)
    assert caught.value.__suppress_context__
    return str(caught.value)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_result_knows_the_documented_fields_and_keeps_all_others() -> None:
    tree = read(brandNew={"a": [1]}, sign="x")
    assert (tree.number, tree.text, tree.price, tree.colour) == (7, "x", Decimal("1.50"), Colour.RED)
    assert tree.made == datetime(2026, 3, 11, 10, 4, 3, tzinfo=UTC)
    assert tree.leaves[0].size == 1
    assert tree.raw == sent(brandNew={"a": [1]}, sign="x")
    assert tree.leaves[0].raw == {"size": 1}
    assert "raw" not in repr(tree)


@pytest.mark.parametrize("given", [50010, "50010", Decimal(50010), Decimal("50010.00")])
def test_whole_numbers_come_in_many_forms(given: Any) -> None:
    assert read(number=given, maybeNumber=given).number == 50010
    assert read(maybeNumber=given).maybe_number == 50010
    assert structure({"balance": given}, Balance).balance == 50010


@pytest.mark.parametrize("given", [Decimal("1.5"), "1.5", 1.0, True, False, "", "abc", None, [1], {"a": 1}])
def test_what_is_no_whole_number_is_never_cut_to_one(given: Any) -> None:
    assert complaint(sent(number=given)) == "not a int @ $.number"
    assert complaint({"balance": given}, Balance) == "not a int @ $.balance"


@pytest.mark.parametrize(
    ("given", "value"), [("12.50", "12.50"), (3, "3"), (Decimal("0.10"), "0.10"), ("-1", "-1"), ("1E+3", "1000")]
)
def test_decimals_come_as_numbers_or_text(given: Any, value: str) -> None:
    assert read(price=given, maybePrice=given).price == Decimal(value)
    assert read(maybePrice=given).maybe_price == Decimal(value)


@pytest.mark.parametrize("given", [True, 1.5, "abc", "NaN", "Infinity", "", None, []])
def test_what_is_no_decimal_is_refused(given: Any) -> None:
    assert complaint(sent(price=given)) == "not a Decimal @ $.price"


@pytest.mark.parametrize(
    ("given", "value"), [("x", "x"), ("", ""), (17, "17"), (Decimal("1.50"), "1.50"), ("null", "null")]
)
def test_texts_may_come_as_numbers(given: Any, value: str) -> None:
    assert (read(text=given).text, read(maybeText=given).maybe_text) == (value, value)


@pytest.mark.parametrize("given", [True, None, ["x"], {"a": "x"}, 1.5])
def test_what_is_no_text_is_refused(given: Any) -> None:
    assert complaint(sent(text=given)) == "not a str @ $.text"


@pytest.mark.parametrize("name", ["maybeNumber", "maybePrice", "maybeMade", "maybeColour"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_optional_field_is_none(name: str, nothing: Any) -> None:
    tree = read(**{name: nothing})
    assert getattr(tree, "maybe_" + name.removeprefix("maybe").lower()) is None


def test_an_empty_optional_text_is_a_text() -> None:
    assert read(maybeText="").maybe_text == ""
    assert read(maybeText=None).maybe_text is None


def test_another_spelling_of_a_field_is_read_and_the_documented_one_wins() -> None:
    assert read(oldName="a").old_name == "a"
    assert read(older="b").old_name == "b"
    assert read(NEW_NAME="c", oldName="a").old_name == "c"


def test_a_missing_required_field_is_named_with_its_place() -> None:
    assert complaint({}, Balance) == "required field 'balance' is missing @ $.balance"
    assert complaint({"records": [{"merchantOrderId": "A"}, {}]}, PaymentStatement) == (
        "required field 'merchantOrderId' is missing @ $.records[1].merchant_order_id"
    )


def test_everything_that_does_not_fit_is_named_at_once() -> None:
    said = complaint(sent(number="x", made="soon", leaves=[{"size": 1}, {"size": "big"}, 5]))
    assert said.split("; ") == [
        "not a int @ $.number",
        "not a datetime @ $.made",
        "not a int @ $.leaves[1].size",
        "not a Leaf @ $.leaves[2]",
    ]


@pytest.mark.parametrize("given", [{}, {"a": 1}, "text", 5, None])
def test_only_a_list_is_a_list(given: Any) -> None:
    """An empty object where the records should stand is not an empty page."""
    assert complaint({"records": given}, PaymentStatement) == "not a list @ $.records"


@pytest.mark.parametrize("given", [None, [], "text", 5])
def test_only_an_object_is_a_result(given: Any) -> None:
    assert complaint(given, Balance) == "not of the documented form @ $"


def test_no_complaint_repeats_a_value() -> None:
    secret = "09171234567"
    bad = {"merchantOrderId": [secret], "amount": secret + "x", "createTime": secret, "name": {"a": secret}}
    said = complaint({"records": [bad, secret]}, PaymentStatement)
    assert secret not in said
    assert said.count("@") == 5


def test_personal_data_of_results_is_not_shown() -> None:
    record = structure({"merchantOrderId": "A", "name": "Juan", "mobile": "09171234567"}, PaymentRecord)
    assert (record.name, record.mobile) == ("Juan", "09171234567")
    assert "Juan" not in repr(record)
    assert "0917" not in repr(record)


# --- open enums -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["COMPLETE", "COMPLETED", "complete", "Completed", "SUCCESS"])
def test_spellings_of_success_are_one_member(text: str) -> None:
    receipt = structure({"transactionId": "C1", "transactionStatus": text}, PayoutReceipt)
    assert receipt.transaction_status is TransactionStatus.COMPLETE
    assert receipt.transaction_status.final


@pytest.mark.parametrize(("given", "kept"), [("ON_HOLD", "ON_HOLD"), ("on hold", "on hold"), (7, "7")])
def test_an_unknown_status_is_kept_and_never_final(given: Any, kept: str) -> None:
    status = structure({"transactionId": "C1", "transactionStatus": given}, PayoutReceipt).transaction_status
    assert isinstance(status, TransactionStatus)
    assert (status.value, str(status), status == kept) == (kept, kept, True)
    assert not status.known
    assert not status.final


def test_a_required_enum_and_a_list_of_them_are_open_too() -> None:
    assert (read(colour="BLUE").colour, read(colour="red").colour) == ("BLUE", Colour.RED)
    assert structure(["RED", "BLUE"], list[Colour]) == [Colour.RED, "BLUE"]
    assert complaint(sent(colour=["RED"])) == "not a Colour @ $.colour"


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_request_is_written_under_wire_names_without_what_is_none() -> None:
    order = CreatePayout(
        mch_order_id="ORDER0000001",
        amount=50010,
        pay_method_code="BANK",
        bank_code="BDO",
        account_no="0012",
        account_name="Ana",
        gender=0,
    )
    assert unstructure(order) == {
        "mchOrderId": "ORDER0000001",
        "idempotencyId": "ORDER0000001",
        "amount": 50010,
        "payMethodCode": "BANK",
        "bankCode": "BDO",
        "accountNo": "0012",
        "accountName": "Ana",
        "gender": 0,
    }


def test_numbers_of_an_answer_keep_their_text() -> None:
    """What `read_answer` parses: 100.10 stays 100.10, not 100.1."""
    answer = json.loads('{"merchantOrderId":"A","amount":100.10}', parse_float=Decimal)
    assert str(structure(answer, PaymentRecord).amount) == "100.10"


@pytest.mark.parametrize(
    "text", [" 50010 ", "1_000", "\u0661\u0662", "\uff11\uff12", " 12 ", "12\n", "\u00a012", "1\u200b2", "0x10"]
)
def test_a_number_in_a_text_has_plain_digits_and_nothing_else(text: str) -> None:
    """What Python takes for a number beyond those is read otherwise by others."""
    for convert in (converters._to_int, converters._to_decimal):
        with pytest.raises(ValueError):
            convert(text)
    assert converters._to_int("-12") == converters._to_decimal("-12") == -12


def test_fields_travel_in_the_order_in_which_the_class_has_them() -> None:
    request = CreatePayout(
        mch_order_id="ORDER1",
        amount=100,
        pay_method_code="EWALLET",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
        ewallet_code="GCASH",
        remark="wages",
    )
    assert list(unstructure(request)) == [
        "mchOrderId",
        "amount",
        "payMethodCode",
        "accountNo",
        "accountName",
        "ewalletCode",
        "idempotencyId",
        "remark",
    ]
