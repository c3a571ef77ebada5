"""A PH callback is verified over its raw text and becomes a typed event; nothing unverified does."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from support.callbacks import PAYOUT, PH_SAMPLES, SECRET, enveloped, sign_of, signed, signed_text

from paycools_async import endpoints
from paycools_async.callbacks import (
    CallbackError,
    GlobalCallbacks,
    MalformedCallback,
    PHCallbacks,
    SignatureMismatch,
    UnknownEvent,
    reference_of,
)
from paycools_async.callbacks.parsing import read
from paycools_async.callbacks.verify import Callbacks, family_of
from paycools_async.endpoint import Event
from paycools_async.errors import ConfigurationError
from paycools_async.ph import EKYCNotification, FailedCode, PayoutSettled, RefundSettled
from paycools_async.times import MANILA
from paycools_async.vocabulary.statuses import TransactionStatus

CLASSES = {entry.id: entry.request for entry in endpoints() if entry.kind == "callback"}


class TestPH:
    @pytest.mark.parametrize("sample", PH_SAMPLES, ids=lambda sample: f"{sample['id']}-{len(sample['fields'])}")
    def test_every_documented_sample_becomes_its_typed_event(self, ph: PHCallbacks, sample: dict[str, Any]) -> None:
        event = ph.parse(signed(sample["fields"]))
        assert type(event) is CLASSES[sample["id"]]
        assert {name: value for name, value in event.raw.items() if name != "sign"} == sample["fields"]

    def test_the_documented_samples_cover_every_event_with_a_name(self) -> None:
        named = {entry.id for entry in endpoints() if entry.family == "ph" and entry.kind == "callback"}
        assert {sample["id"] for sample in PH_SAMPLES} == named - {"ph.ekyc.callback"}

    def test_the_event_is_typed(self, ph: PHCallbacks) -> None:
        failed = {**PAYOUT, "eventName": "disbursement.failed", "transactionStatus": "FAILED", "failedCode": "-10005"}
        assert ph.parse(signed(failed)) == PayoutSettled(
            event_name="disbursement.failed",
            mch_order_id="PAY000000001",
            transaction_id="D1032653961082864323",
            amount=150000,
            transaction_status=TransactionStatus.FAILED,
            create_time=datetime(2026, 1, 5, 9, 38, 3, tzinfo=MANILA),
            return_time=datetime(2026, 1, 5, 9, 38, 56, tzinfo=MANILA),
            failed_code=FailedCode(-10005),
            remark="wages & bonus",
        )

    def test_the_order_of_members_and_blanks_between_them_do_not_matter(self, ph: PHCallbacks) -> None:
        """The signed text is sorted, so a reordered body has the same signature; it is the same event."""
        body = json.loads(signed(PAYOUT))
        turned = json.dumps(dict(reversed(body.items())), indent=2)
        assert ph.parse(turned) == ph.parse(signed(PAYOUT))

    def test_null_and_empty_fields_are_not_signed(self, ph: PHCallbacks) -> None:
        body = {**json.loads(signed(PAYOUT)), "failedCode": None, "failedMessage": ""}
        assert isinstance(ph.parse(json.dumps(body)), PayoutSettled)

    def test_unknown_fields_are_signed_too(self, ph: PHCallbacks) -> None:
        assert ph.parse(signed({**PAYOUT, "channelFee": 1500})).raw["channelFee"] == 1500
        with pytest.raises(SignatureMismatch):
            ph.parse(json.dumps({**json.loads(signed(PAYOUT)), "channelFee": 1500}))

    def test_upper_case_hex_is_taken(self, ph: PHCallbacks) -> None:
        body = json.loads(signed(PAYOUT))
        assert ph.parse(json.dumps({**body, "sign": body["sign"].upper()})) == ph.parse(signed(PAYOUT))

    @pytest.mark.parametrize("number", ["150000", "150000.0", "150000.00", "1.5e5", "1.5E+5"])
    def test_a_number_is_signed_as_the_text_it_has_in_the_body(self, ph: PHCallbacks, number: str) -> None:
        text = json.dumps(PAYOUT).replace("150000", number)
        event = ph.parse(signed_text(text))
        assert isinstance(event, PayoutSettled)
        assert event.amount == 150000
        others = {"150000", "150000.0", "1.5e5"} - {number}
        for other in others:
            body = signed_text(text).replace(f'"amount": {number}'.encode(), f'"amount": {other}'.encode())
            with pytest.raises(SignatureMismatch):
                ph.parse(body)

    def test_nested_values_are_signed_as_they_stand(self, ph: PHCallbacks) -> None:
        """Inferred: no document shows a nested value in a PH callback."""
        text = json.dumps(PAYOUT)[:-1] + ', "details": {"b": [1.50,  2], "a":"\\u00e9"}, "flag": true}'
        event = ph.parse(signed_text(text))
        assert event.raw["details"] == {"b": [Decimal("1.50"), 2], "a": "é"}
        with pytest.raises(SignatureMismatch):
            ph.parse(signed_text(text).replace(b"1.50,  2", b"1.50, 2"))

    def test_several_secrets_while_it_changes(self) -> None:
        both = PHCallbacks(["old", "new"])
        assert both.parse(signed(PAYOUT, "old")) == both.parse(signed(PAYOUT, "new"))
        with pytest.raises(SignatureMismatch):
            both.parse(signed(PAYOUT, "older"))

    @pytest.mark.parametrize("secret", ["", "  ", [], ["good", ""]])
    def test_an_empty_secret_is_refused(self, secret: Any) -> None:
        with pytest.raises(ConfigurationError, match="secret is empty"):
            PHCallbacks(secret)

    def test_secrets_do_not_show(self) -> None:
        assert SECRET not in repr(PHCallbacks(SECRET))

    def test_a_field_cannot_be_hidden_in_the_value_before_it(self, ph: PHCallbacks) -> None:
        """`a=1&b=2` is the signed text of two fields and of one; a thief of a callback could drop its status so."""
        body = json.loads(signed(PAYOUT))
        swallowed = dict(body)
        swallowed["transactionId"] += "&transactionStatus=" + swallowed.pop("transactionStatus")
        assert sign_of(json.dumps({k: v for k, v in swallowed.items() if k != "sign"})) == body["sign"]
        with pytest.raises(MalformedCallback, match="hides"):
            ph.parse(json.dumps(swallowed))
        renamed = {**body}
        renamed["returnTime=2026-01-05 09:38:56&transactionId"] = renamed.pop("transactionId")
        del renamed["returnTime"]
        with pytest.raises(CallbackError):
            ph.parse(json.dumps(renamed))

    @pytest.mark.parametrize("remark", ["Fish & Chips", "a=b", "x&y=1", "https://shop.example/?a=1&amount=2", "&&=="])
    def test_what_cannot_be_a_hidden_field_is_a_value(self, ph: PHCallbacks, remark: str) -> None:
        event = ph.parse(signed({**PAYOUT, "remark": remark}))
        assert isinstance(event, PayoutSettled)
        assert event.remark == remark

    def test_texts_of_every_script_are_taken(self, ph: PHCallbacks) -> None:
        event = ph.parse(signed({**PAYOUT, "remark": "sahod ñ 工资 😀"}))
        assert isinstance(event, PayoutSettled)
        assert event.remark == "sahod ñ 工资 😀"
        assert ph.parse(signed({**PAYOUT, "remark": "sahod ñ 工资 😀"}).decode()) == event
        escaped = {**PAYOUT, "remark": "😀"}
        body = json.dumps({**escaped, "sign": sign_of(json.dumps(escaped, ensure_ascii=False))})  # with \ud83d\ude00
        assert isinstance(ph.parse(body), PayoutSettled)


class TestUnknown:
    def test_an_unknown_event_is_verified_and_keeps_its_fields(self, ph: PHCallbacks) -> None:
        event = ph.parse(signed({"eventName": "settlement.done", "amount": 12.50, "mchOrderId": "A1"}))
        assert isinstance(event, UnknownEvent)
        assert (event.event_name, event.problem) == ("settlement.done", None)
        assert event.raw["amount"] == Decimal("12.5")
        assert reference_of(event) == "UnknownEvent eventName=settlement.done mch_order_id=A1"

    @pytest.mark.parametrize("name", ["Disbursement.success", "disbursement.success ", "success", "disbursement"])
    def test_event_names_are_exact(self, ph: PHCallbacks, name: str) -> None:
        assert isinstance(ph.parse(signed({**PAYOUT, "eventName": name})), UnknownEvent)

    @pytest.mark.parametrize("name", [None, "", 5, ["x"]])
    def test_no_event_name_is_an_unknown_event(self, ph: PHCallbacks, name: Any) -> None:
        event = ph.parse(signed_text(json.dumps({**PAYOUT, "eventName": name})))
        assert isinstance(event, UnknownEvent)
        assert event.problem is None

    def test_a_verified_event_that_does_not_fit_its_class_is_not_lost(self, ph: PHCallbacks) -> None:
        fields = {name: value for name, value in PAYOUT.items() if name != "transactionId"}
        event = ph.parse(signed({**fields, "amount": "a lot"}))
        assert isinstance(event, UnknownEvent)
        assert event.event_name == "disbursement.success"
        assert event.problem is not None
        assert "transactionId" in event.problem
        assert "a lot" not in event.problem
        assert event.raw["mchOrderId"] == "PAY000000001"

    def test_an_absurd_number_is_a_problem_and_no_burden(self, ph: PHCallbacks) -> None:
        event = ph.parse(signed_text(json.dumps(PAYOUT).replace("150000", "1e999999999")))
        assert isinstance(event, UnknownEvent)
        assert event.problem is not None

    def test_names_learnt_from_paycools_can_be_added(self) -> None:
        taught = PHCallbacks(SECRET, names={"ekyc.done": EKYCNotification})
        event = taught.parse(signed({"eventName": "ekyc.done", "result": "PASS"}))
        assert isinstance(event, EKYCNotification)
        assert event.raw["result"] == "PASS"

    def test_the_refund_sample_whose_name_contradicts_its_status(self, ph: PHCallbacks) -> None:
        """PayCools' own sample: named success, status FAILED. The status decides."""
        (fields,) = [s["fields"] for s in PH_SAMPLES if s["fields"].get("refundStatus") == "FAILED"]
        event = ph.parse(signed(fields))
        assert isinstance(event, RefundSettled)
        assert event.refund_status.value == "FAILED"


def test_the_wrong_secret_is_a_mismatch(ph: PHCallbacks) -> None:
    with pytest.raises(SignatureMismatch, match="another secret"):
        ph.parse(signed(PAYOUT, "somebody else's"))


def test_parse_unverified_says_what_it_is(ph: PHCallbacks) -> None:
    """The only way to an event without a signature, for looking at samples."""
    assert isinstance(ph.parse_unverified(json.dumps(PAYOUT)), PayoutSettled)


def test_the_families_do_not_take_each_others_callbacks(
    ph: PHCallbacks, platform: GlobalCallbacks, other_key_pem: str
) -> None:
    flat, boxed = signed(PAYOUT), enveloped(json.dumps(PAYOUT), other_key_pem)
    assert (family_of(read(flat)), family_of(read(boxed))) == ("ph", "global")
    wrong: list[tuple[Callbacks, bytes]] = [(ph, boxed), (platform, flat)]
    for callbacks, raw in wrong:
        with pytest.raises(CallbackError):
            callbacks.parse(raw)


def test_one_event_has_one_id_however_it_is_written(ph: PHCallbacks) -> None:
    first = ph.verified(read(signed(PAYOUT)))
    turned = ph.verified(read(json.dumps(dict(reversed(json.loads(signed(PAYOUT)).items())), indent=1)))
    other = ph.verified(read(signed({**PAYOUT, "amount": 150001})))
    assert first.id == turned.id != other.id


def test_an_id_is_there_for_fields_of_any_name(platform: GlobalCallbacks, other_key_pem: str) -> None:
    found = platform.verified(read(enveloped('{"a=b&c": 1, "d": [1, {"e": null}]}', other_key_pem)))
    assert len(found.id) == 64


def test_braces_in_texts_are_no_nesting(ph: PHCallbacks) -> None:
    assert isinstance(ph.parse(signed({**PAYOUT, "remark": "[{" * 40})), PayoutSettled)


def test_events_know_their_classes(ph: PHCallbacks) -> None:
    found: set[type[Event]] = set(ph.table.classes)
    assert PayoutSettled in found
    assert "paymentCode" in ph.table.field_names
