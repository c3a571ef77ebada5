"""The flat form on the wire: what is signed is what travels, seen from the bytes that arrive."""

from __future__ import annotations

import base64
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paycools_async import (
    CreatePayout,
    HttpRequest,
    HttpResponse,
    InvalidRequest,
    MemoryTransport,
    PayCoolsPH,
    PHCredentials,
    QueryPayout,
)
from paycools_async.signing import verifier_for
from paycools_async.signing.base import Verifier
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server import signatures as check
from paycools_async.wire.canonical import NumberText, json_text, ph_signing_text
from paycools_async.wire.flat import FlatMessage

AWKWARD = b"\xfb\xff\xfe" * 4 + b"\0"
"""Its Base64 holds + and / and =."""


class Wiretap:
    """Keeps every request, answers success, and signs nothing itself."""

    def __init__(self, key_pem: str) -> None:
        self.requests: list[HttpRequest] = []
        self.credentials = PHCredentials(app_id="APP1", app_name="Sari Sari", private_key=key_pem)
        self.verifier: Verifier = verifier_for(self.credentials.private_key.public)

    def answer(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return HttpResponse(200, {}, b'{"code":1000,"message":"success","data":{"transactionId":"C1"}}')

    def client(self, **options: Any) -> PayCoolsPH:
        return PayCoolsPH(self.credentials, transport=MemoryTransport(self.answer), clock=ManualClock(), **options)

    def signed(self, text: str, sign: str) -> bool:
        return self.verifier.verify(text.encode(), base64.b64decode(sign, validate=True))


@pytest.fixture
def tap(key_pem: str) -> Wiretap:
    return Wiretap(key_pem)


def by_hand(fields: dict[str, Any]) -> str:
    """The documented rule once more, for flat bodies of texts and numbers."""
    kept = {name: value for name, value in fields.items() if name != "sign" and value not in (None, "")}
    return "&".join(f"{name}={kept[name]}" for name in sorted(kept))


async def test_a_post_body_is_exactly_the_json_whose_values_were_signed(tap: Wiretap) -> None:
    async with tap.client() as paycools:
        await paycools.payouts.create(
            mch_order_id="ORDER0000001",
            amount=50010,
            pay_method_code="BANK",
            bank_code="BDO",
            account_no="001234567890",
            account_name="Juan Dela Cruz",
            remark='50% "niño" & söhne',
        )
    [request] = tap.requests
    assert request.body is not None
    body = json.loads(request.body)
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert request.url == "https://api-uat.paycools.com/api/v1/payout"
    assert {**body, "sign": None} == {
        "appId": "APP1",
        "appName": "Sari Sari",
        "mchOrderId": "ORDER0000001",
        "idempotencyId": "ORDER0000001",
        "amount": 50010,
        "payMethodCode": "BANK",
        "bankCode": "BDO",
        "accountNo": "001234567890",
        "accountName": "Juan Dela Cruz",
        "remark": '50% "niño" & söhne',
        "sign": None,
    }
    assert tap.signed(by_hand(body), body["sign"])
    assert request.body == json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), "compact, unescaped"


async def test_a_get_carries_the_same_values_in_its_query_and_no_body(tap: Wiretap) -> None:
    async with tap.client() as paycools:
        await paycools.call("GET", "/api/v1/x", {"a": "1 2", "b": "ñ&=?#+/", "n": 7})
    [request] = tap.requests
    assert request.body is None
    path, _, query = request.url.partition("?")
    assert path == "https://api-uat.paycools.com/api/v1/x"
    head, _, sign = query.partition("&sign=")
    assert head == "appId=APP1&appName=Sari%20Sari&a=1%202&b=%C3%B1%26%3D%3F%23%2B%2F&n=7"
    assert re.fullmatch(r"(?:[A-Za-z0-9]|%2B|%2F)+(?:%3D){0,2}", sign)
    assert tap.signed("a=1 2&appId=APP1&appName=Sari Sari&b=ñ&=?#+/&n=7", unquote(sign))


def test_plus_slash_and_equals_of_the_signature_are_percent_encoded_in_a_query() -> None:
    signed = FlatMessage("GET", "/a", {"appId": "A", "d": "2026-01-31", "t": "a~b"}).signed(AWKWARD)
    assert (
        signed.target == "/a?appId=A&d=2026-01-31&t=a~b&sign=%2B%2F%2F%2B%2B%2F%2F%2B%2B%2F%2F%2B%2B%2F%2F%2BAA%3D%3D"
    )
    assert signed.body is None


def test_the_signature_stands_as_it_is_in_a_body() -> None:
    signed = FlatMessage("POST", "/a", {"appId": "A"}).signed(AWKWARD)
    assert (signed.target, signed.body) == ("/a", b'{"appId":"A","sign":"+//++//++//++//+AA=="}')
    assert FlatMessage("POST", "/a", {}).signed(AWKWARD).body == b'{"sign":"+//++//++//++//+AA=="}'


def test_the_signature_takes_the_place_of_a_field_of_its_name() -> None:
    signed = FlatMessage("POST", "/a", {"sign": "x", "appId": "A"}).signed(AWKWARD)
    assert signed.body == b'{"sign":"+//++//++//++//+AA==","appId":"A"}'


async def test_call_sends_null_and_empty_as_given_and_leaves_them_out_of_the_text(tap: Wiretap) -> None:
    async with tap.client() as paycools:
        answer = await paycools.call("POST", "/api/v1/x", {"b": "", "a": None, "z": 0, "sign": "old", "list": [1, ""]})
    assert answer == {"transactionId": "C1"}
    body = tap.requests[0].body
    assert body is not None
    sign = json.loads(body)["sign"]
    assert body.decode() == (
        f'{{"appId":"APP1","appName":"Sari Sari","b":"","a":null,"z":0,"sign":"{sign}","list":[1,""]}}'
    )
    assert tap.signed('appId=APP1&appName=Sari Sari&list=[1,""]&z=0', sign), "the sign given is replaced"


async def test_a_get_leaves_null_out_of_the_query_and_sends_an_empty_text(tap: Wiretap) -> None:
    async with tap.client() as paycools:
        await paycools.call("GET", "/api/v1/x", {"b": "", "a": None})
    assert tap.requests[0].url.partition("&sign=")[0].endswith("?appId=APP1&appName=Sari%20Sari&b=")


async def test_call_may_replace_the_filled_in_fields(tap: Wiretap) -> None:
    async with tap.client() as paycools:
        await paycools.call("POST", "/api/v1/x", {"appName": "Other"})
    assert json.loads(tap.requests[0].body or b"")["appName"] == "Other"


@pytest.mark.parametrize("value", [1.5, {"a": [0.1]}, {1: 2}, object(), "\ud800", Decimal("NaN")])
async def test_call_refuses_what_cannot_travel_before_anything_is_sent(tap: Wiretap, value: Any) -> None:
    async with tap.client() as paycools:
        with pytest.raises(InvalidRequest, match="POST /api/v1/x: fields: "):
            await paycools.call("POST", "/api/v1/x", {"a": value})
    assert tap.requests == []


async def test_a_path_parameter_is_percent_encoded_and_by_default_not_signed(tap: Wiretap) -> None:
    """No document shows a path parameter in the signed text, so it is left out unless asked for (inferred)."""
    paths = {"ph.payout.query": "/api/v1/payout/{mchOrderId}/check"}
    async with tap.client(paths=paths) as paycools:
        await paycools.call("GET", "/api/v1/payout/A%20B/check")
        message = paycools.signing_text(QueryPayout(mch_order_id="ORDER1"))
    assert tap.requests[0].url.partition("?")[0] == "https://api-uat.paycools.com/api/v1/payout/A%20B/check"
    assert message == "appId=APP1"
    async with tap.client(paths=paths, sign_path_parameters=True) as paycools:
        assert paycools.signing_text(QueryPayout(mch_order_id="ORDER1")) == "appId=APP1&mchOrderId=ORDER1"
        frozen = paycools._engine.prepare.request(QueryPayout(mch_order_id="ORDER1")).message
    assert frozen.path == "/api/v1/payout/ORDER1/check"
    assert "mchOrderId" not in frozen.signed(b"x").target.partition("?")[2], "signed, and in the path only"


async def test_signing_text_shows_what_a_payout_signs(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    request = CreatePayout(
        mch_order_id="ORDER0000001",
        amount=100,
        pay_method_code="BANK",
        bank_code="BDO",
        account_no="0012",
        account_name="Ana",
    )
    assert paycools.signing_text(request) == (
        "accountName=Ana&accountNo=0012&amount=100&appId=f90addc4861540ef9312e87d8f360e08&appName=Sandbox Merchant"
        "&bankCode=BDO&idempotencyId=ORDER0000001&mchOrderId=ORDER0000001&payMethodCode=BANK"
    )


# --- for every JSON ---------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers() | st.decimals(
    allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9
)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)
FIELDS = st.dictionaries(TEXTS, VALUES, max_size=6)


@settings(max_examples=60, deadline=None, database=None)
@given(FIELDS)
def test_the_text_recomputed_from_the_bytes_is_the_text_signed(fields: dict[str, Any]) -> None:
    """The fake cuts the values out of the body that arrived; it shares no code with the sender."""
    message = FlatMessage("POST", "/a", fields)
    body = message.signed(b"signature").body
    assert body is not None
    assert check.signed_text(check.flat_members("POST", "", body)) == message.text.decode() == ph_signing_text(fields)


@settings(max_examples=30, deadline=None, database=None)
@given(st.dictionaries(TEXTS, NUMBERS | TEXTS | st.booleans() | st.none(), max_size=6))
def test_the_same_holds_for_a_query(fields: dict[str, Any]) -> None:
    message = FlatMessage("GET", "/a", fields)
    query = message.signed(b"signature").target.partition("?")[2]
    assert check.signed_text(check.flat_members("GET", query, b"")) == message.text.decode()


@settings(max_examples=30, deadline=None, database=None)
@given(VALUES)
def test_the_json_written_is_the_json_meant(value: Any) -> None:
    assert json.loads(json_text(value), parse_float=Decimal) == value


@settings(max_examples=25, deadline=None, database=None)
@given(FIELDS)
def test_numbers_kept_as_text_sign_the_same(fields: dict[str, Any]) -> None:
    """A callback is verified over the numbers' own text; that text is the one its sender signed."""
    again = json.loads(json_text(fields), parse_float=NumberText, parse_int=NumberText)
    assert ph_signing_text(again) == ph_signing_text(fields)
