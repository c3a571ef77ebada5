"""A body that is not what PayCools sends is one error, however it is broken."""

from __future__ import annotations

import json

import pytest
from support.callbacks import PAYOUT, signed

from paycools_async.callbacks import MalformedCallback, PHCallbacks
from paycools_async.errors import PayCoolsError

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


def test_the_bound_is_told(ph: PHCallbacks) -> None:
    for name, told in {
        "nested too deep": "nested deeper than 32 levels",
        "too long": "longer than 65536 bytes",
    }.items():
        with pytest.raises(MalformedCallback, match=told):
            ph.parse(MALFORMED[name])


def test_a_lone_surrogate_in_a_str_is_refused(ph: PHCallbacks) -> None:
    with pytest.raises(MalformedCallback):
        ph.parse(signed(PAYOUT).decode().replace("wages", "\ud83d"))
