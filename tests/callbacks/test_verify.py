"""A callback is verified over its raw text and becomes a typed event; nothing unverified does."""

from __future__ import annotations

import functools
import json
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from callbacks.kit import GLOBAL_SAMPLES, PAYOUT, PH_SAMPLES, SECRET, enveloped, sign_of, signed, signed_text

from paycools_async.callbacks import (
    CallbackError,
    GlobalCallbacks,
    MalformedCallback,
    PHCallbacks,
    SignatureMismatch,
    UnknownEvent,
    reference_of,
)
from paycools_async.callbacks.body import read
from paycools_async.callbacks.verify import Callbacks, family_of
from paycools_async.endpoint import Event, endpoints
from paycools_async.enums import TransactionStatus
from paycools_async.errors import ConfigurationError, InvalidKeyError, PayCoolsError
from paycools_async.ph import EKYCNotification, FailedCode, PayoutSettled, RefundSettled
from paycools_async.signing import load_public_key
from paycools_async.times import MANILA

CLASSES = {entry.id: entry.request for entry in endpoints() if entry.kind == "callback"}


@pytest.fixture
def ph() -> PHCallbacks:
    return PHCallbacks(SECRET)


@pytest.fixture
def platform(other_key_pem: str) -> GlobalCallbacks:
    return GlobalCallbacks(load_public_key_of(other_key_pem))


@functools.cache
def load_public_key_of(key_pem: str) -> Any:
    from paycools_async.signing import load_private_key

    return load_private_key(key_pem).public


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


MALFORMED = {
    "empty": b"",
    "not JSON": b"eventName=disbursement.success",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"5",
    "null": b"null",
    "no sign": json.dumps(PAYOUT).encode(),
    "sign null": json.dumps({**PAYOUT, "sign": None}).encode(),
    "sign a number": json.dumps({**PAYOUT, "sign": int("1" * 40)}).encode(),
    "sign a list": json.dumps({**PAYOUT, "sign": ["a" * 40]}).encode(),
    "sign too short": json.dumps({**PAYOUT, "sign": "a" * 39}).encode(),
    "sign too long": json.dumps({**PAYOUT, "sign": "a" * 41}).encode(),
    "MD5": json.dumps({**PAYOUT, "sign": "a" * 32}).encode(),
    "SHA-256": json.dumps({**PAYOUT, "sign": "a" * 64}).encode(),
    "no hex": json.dumps({**PAYOUT, "sign": "g" * 40}).encode(),
    "other digits": json.dumps({**PAYOUT, "sign": "١" * 40}).encode(),
    "line end": json.dumps({**PAYOUT, "sign": "a" * 40 + "\n"}).encode(),
    "bad UTF-8": signed(PAYOUT).replace(b"wages", b"wage\xff"),
    "UTF-16": signed(PAYOUT).decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + signed(PAYOUT),
    "half a surrogate": signed(PAYOUT).replace(b"wages", b"\\ud83d"),
    "half a surrogate in a name": signed(PAYOUT)[:-1] + b', "\\uDC00": null}',
    "half a surrogate deep down": signed(PAYOUT)[:-1] + b', "x": [{"\\ud83d": null}]}',
    "NaN": signed(PAYOUT).replace(b"150000", b"NaN"),
    "Infinity": signed(PAYOUT).replace(b"150000", b"-Infinity"),
    "a field twice": signed(PAYOUT)[:-1] + b', "amount": 150000}',
    "sign twice": signed(PAYOUT)[:-1] + b', "sign": "' + b"a" * 40 + b'"}',
    "a field twice deep down": signed(PAYOUT)[:-1] + b', "x": [{"a": 1, "a": 1}]}',
    "a line end in a text": signed(PAYOUT).replace(b"wages", b"wag\nes"),
    "more after it": signed(PAYOUT) + b"{}",
    "nested too deep": b'{"a":' * 10_000,
    "nested deeper than anybody reads": signed(PAYOUT)[:-1] + b', "x": ' + b"[" * 40 + b"]" * 40 + b"}",
    "nested as deep as the parser reads": b'{"x": ' + b"[" * 900 + b"]" * 900 + b', "sign": "' + b"a" * 40 + b'"}',
    "a megabyte of lists": b"[" * 1_000_000,
    "too long": signed({**PAYOUT, "remark": "x" * 70_000}),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_body_is_one_error_without_its_content(ph: PHCallbacks, raw: bytes) -> None:
    with pytest.raises(MalformedCallback) as caught:
        ph.parse(raw)
    assert isinstance(caught.value, PayCoolsError)
    assert "PAY000000001" not in str(caught.value)


def test_a_lone_surrogate_in_a_str_is_refused(ph: PHCallbacks) -> None:
    with pytest.raises(MalformedCallback):
        ph.parse(signed(PAYOUT).decode().replace("wages", "\ud83d"))


def test_the_wrong_secret_is_a_mismatch(ph: PHCallbacks) -> None:
    with pytest.raises(SignatureMismatch, match="another secret"):
        ph.parse(signed(PAYOUT, "somebody else's"))


def test_parse_unverified_says_what_it_is(ph: PHCallbacks) -> None:
    """The only way to an event without a signature, for looking at samples."""
    assert isinstance(ph.parse_unverified(json.dumps(PAYOUT)), PayoutSettled)


class TestGlobal:
    @pytest.mark.parametrize("sample", GLOBAL_SAMPLES, ids=lambda sample: sample["id"])
    def test_every_documented_sample_is_verified(
        self, platform: GlobalCallbacks, other_key_pem: str, sample: dict[str, str]
    ) -> None:
        event = platform.parse(enveloped(sample["param"], other_key_pem))
        wanted = json.loads(sample["param"])
        assert event.raw == wanted
        assert getattr(event, "event_name", None) == wanted["eventName"]
        assert not isinstance(event, UnknownEvent)

    def test_the_exact_text_of_param_is_what_counts(self, platform: GlobalCallbacks, other_key_pem: str) -> None:
        body = json.loads(enveloped(json.dumps(PAYOUT), other_key_pem))
        body["param"] = json.dumps(json.loads(body["param"]), separators=(",", ":"))
        with pytest.raises(SignatureMismatch):
            platform.parse(json.dumps(body))

    def test_members_beside_param_and_sign_are_not_part_of_the_event(
        self, platform: GlobalCallbacks, other_key_pem: str
    ) -> None:
        body = {**json.loads(enveloped(json.dumps(PAYOUT), other_key_pem)), "appId": "x", "amount": 1}
        assert platform.parse(json.dumps(body)).raw == PAYOUT

    def test_another_key_is_a_mismatch(self, platform: GlobalCallbacks, key_pem: str) -> None:
        with pytest.raises(SignatureMismatch, match="another platform key"):
            platform.parse(enveloped(json.dumps(PAYOUT), key_pem))

    def test_several_keys_while_it_changes(self, key_pem: str, other_key_pem: str) -> None:
        both = GlobalCallbacks([load_public_key_of(key_pem), load_public_key_of(other_key_pem)])
        param = json.dumps(PAYOUT)
        assert both.parse(enveloped(param, key_pem)) == both.parse(enveloped(param, other_key_pem))

    def test_a_private_key_is_not_taken_for_the_platforms(self, key_pem: str) -> None:
        with pytest.raises(InvalidKeyError):
            GlobalCallbacks(key_pem)
        with pytest.raises(ConfigurationError, match="missing"):
            GlobalCallbacks([])

    @pytest.mark.parametrize(
        "change",
        [
            {"sign": ""},
            {"sign": None},
            {"sign": 5},
            {"sign": "****"},
            {"sign": "a" * 40},
            {"sign": "é"},
            {"sign": "A" * 4000},
            {"param": None},
            {"param": PAYOUT},
            {"param": ""},
            {"param": "\ud83d"},
        ],
    )
    def test_a_malformed_envelope_is_refused(
        self, platform: GlobalCallbacks, other_key_pem: str, change: dict[str, Any]
    ) -> None:
        body = {**json.loads(enveloped(json.dumps(PAYOUT), other_key_pem)), **change}
        with pytest.raises(CallbackError):
            platform.parse(json.dumps(body))

    @pytest.mark.parametrize("param", ["", "[]", "5", "nonsense", '{"a": 1, "a": 1}', '{"a": NaN}', '{"a": "\\ud83d"}'])
    def test_a_signed_param_that_is_no_object_is_malformed(
        self, platform: GlobalCallbacks, other_key_pem: str, param: str
    ) -> None:
        with pytest.raises(MalformedCallback):
            platform.parse(enveloped(param, other_key_pem))

    def test_base64_with_other_bits_in_its_padding_is_refused(
        self, platform: GlobalCallbacks, other_key_pem: str
    ) -> None:
        body = json.loads(enveloped(json.dumps(PAYOUT), other_key_pem))
        assert body["sign"].endswith("==")
        last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        body["sign"] = body["sign"][:-3] + last[last.index(body["sign"][-3]) + 1] + "=="
        with pytest.raises(MalformedCallback, match="Base64"):
            platform.parse(json.dumps(body))


class TestCountries:
    """The Global API's countries share event names; no body may be taken for another country's."""

    FIELDS: ClassVar[dict[str, Any]] = {name: value for name, value in PAYOUT.items() if name != "remark"}

    def kind_of(self, key_pem: str, country: str | None = None, **fields: Any) -> str:
        callbacks = GlobalCallbacks(load_public_key_of(key_pem), country=country)
        return type(callbacks.parse(enveloped(json.dumps({**self.FIELDS, **fields}), key_pem))).__name__

    def test_the_country_given_by_the_merchant(self, key_pem: str) -> None:
        assert self.kind_of(key_pem, "ID") == "IndonesianPayoutSettled"
        assert self.kind_of(key_pem, "th", eventName="order.payment.success") == "ThaiPaymentSettled"

    def test_a_country_code_means_the_unified_edition(self, key_pem: str) -> None:
        assert self.kind_of(key_pem, "ID", countryCode="ID") == "UnifiedPayoutSettled"

    def test_a_channel_code_may_tell(self, key_pem: str) -> None:
        assert self.kind_of(key_pem, "TH", eventName="order.payment.success", channelCode="ID_BCA_VA") == (
            "IndonesianPaymentSettled"
        )
        assert self.kind_of(key_pem, "TH", eventName="order.payment.success", channelCode="WECHAT_URL") == (
            "ThaiPaymentSettled"
        )

    def test_where_nothing_tells_no_country_is_claimed(self, key_pem: str) -> None:
        assert self.kind_of(key_pem) == "UnifiedPayoutSettled"
        assert self.kind_of(key_pem, eventName="static.order.payment.success") == "PaymentEvent"


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


def test_public_keys_load_in_every_form(other_key_pem: str) -> None:
    key = load_public_key_of(other_key_pem)
    assert load_public_key(key.der).der == key.der
