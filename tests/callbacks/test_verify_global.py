"""A Global callback is verified over the very text of `param`, and told apart by country."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from support.callbacks import GLOBAL_SAMPLES, PAYOUT, enveloped, public_half

from paycools_async.callbacks import CallbackError, GlobalCallbacks, MalformedCallback, SignatureMismatch, UnknownEvent
from paycools_async.errors import ConfigurationError, InvalidKeyError
from paycools_async.signing import load_public_key


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
        both = GlobalCallbacks([public_half(key_pem), public_half(other_key_pem)])
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
        callbacks = GlobalCallbacks(public_half(key_pem), country=country)
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


def test_public_keys_load_in_every_form(other_key_pem: str) -> None:
    key = public_half(other_key_pem)
    assert load_public_key(key.der).der == key.der
