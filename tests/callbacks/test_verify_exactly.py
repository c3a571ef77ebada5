"""What is accepted and what is not, to the last character, and what makes two deliveries one event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.callbacks import PAYOUT, enveloped

from paycools_async.callbacks import GlobalCallbacks, MalformedCallback, PHCallbacks, SignatureMismatch
from paycools_async.callbacks.parsing import MAX_BODY, read
from paycools_async.callbacks.samples import sign_ph
from paycools_async.callbacks.verify import family_of
from paycools_async.errors import ConfigurationError

FIELDS = {"eventName": "disbursement.success", "mchOrderId": "A1", "amount": 500, "transactionId": "D1"}


def id_of(fields: dict[str, Any], secret: str = "one") -> str:
    return PHCallbacks(secret).verified(read(sign_ph(fields, secret), MAX_BODY)).id


def test_an_event_is_the_same_under_another_secret_and_with_empty_fields() -> None:
    assert id_of(FIELDS) == id_of(FIELDS, "another")
    assert id_of({**FIELDS, "remark": None, "failedMessage": ""}) == id_of(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_an_event_with_another_field_is_another_event(name: str) -> None:
    other = {**FIELDS, name: 501 if name == "amount" else f"{FIELDS[name]}.x"}
    assert id_of(other) != id_of(FIELDS)


@pytest.mark.parametrize(
    ("members", "family"),
    [
        ({"param": "{}", "sign": "x"}, "global"),
        ({"param": "{}"}, "global"),
        ({"param": "{}", "eventName": "x"}, "ph"),
        ({"param": {}}, "ph"),
        ({"eventName": "x"}, "ph"),
        ({"mchOrderId": "A1"}, "ph"),
        ({}, "ph"),
    ],
)
def test_the_family_shows_in_the_form(members: dict[str, Any], family: str) -> None:
    assert family_of(read(json.dumps(members), MAX_BODY)) == family


@pytest.mark.parametrize(
    ("sign", "error", "says"),
    [
        ("", MalformedCallback, "is missing"),
        ("A", MalformedCallback, "not Base64"),
        ("AAAA", SignatureMismatch, "does not match"),
        ("A" * 2048, SignatureMismatch, "does not match"),
        ("A" * 2049, MalformedCallback, "is no signature"),
    ],
)
def test_a_signature_of_the_global_api_has_a_length(
    platform: GlobalCallbacks, sign: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        platform.parse(json.dumps({"param": json.dumps(PAYOUT), "sign": sign}))


@pytest.mark.parametrize("digits", [39, 41])
def test_a_sign_of_the_ph_api_has_forty_digits(digits: int) -> None:
    with pytest.raises(MalformedCallback, match="40 hex digits"):
        PHCallbacks("one").parse(json.dumps({**FIELDS, "sign": "a" * digits}))


def test_without_a_check_the_global_apis_event_is_read_too(platform: GlobalCallbacks, key_pem: str) -> None:
    forged = enveloped(json.dumps(PAYOUT), key_pem)
    assert platform.parse_unverified(forged).raw == PAYOUT
    for param in (None, PAYOUT, 5):
        with pytest.raises(MalformedCallback, match="not a text"):
            platform.parse_unverified(json.dumps({"param": param, "sign": "AAAA"}))


@pytest.mark.parametrize("secret", ["\ud800", ["good", "\ud800"], "", "  ", [], ["good", ""]])
def test_what_is_no_secret_is_refused_at_once(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="anybody could sign"):
        PHCallbacks(secret)
