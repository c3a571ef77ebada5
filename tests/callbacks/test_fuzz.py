"""Whatever is changed in a signed callback: it is refused with CallbackError, or it is still the very same event.

The suite takes a few thousand changes; PAYCOOLS_FUZZ=100000 takes as many as it says.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.callbacks import PAYOUT, PH_SAMPLES, SECRET, enveloped, sign_of, signed
from support.size import FULL, size, some

from paycools_async.callbacks import CallbackError, GlobalCallbacks, MalformedCallback, PHCallbacks
from paycools_async.callbacks.parsing import flat_text, read
from paycools_async.endpoint import Event
from paycools_async.signing import load_private_key

COUNT = size(1500, 4000, "PAYCOOLS_FUZZ")

Change = Callable[[random.Random, bytes], bytes]


def flip_bit(dice: random.Random, raw: bytes) -> bytes:
    at = dice.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << dice.randrange(8)]) + raw[at + 1 :]


def other_byte(dice: random.Random, raw: bytes) -> bytes:
    at = dice.randrange(len(raw))
    return raw[:at] + bytes([dice.randrange(256)]) + raw[at + 1 :]


def drop_bytes(dice: random.Random, raw: bytes) -> bytes:
    at = dice.randrange(len(raw))
    return raw[:at] + raw[at + dice.randrange(1, 9) :]


def insert_bytes(dice: random.Random, raw: bytes) -> bytes:
    at = dice.randrange(len(raw) + 1)
    return (
        raw[:at]
        + dice.choice([b" ", b"0", b'"', b"\\", b"&", b"=", b"\\u0030", b"{", b",", b"\xff", b"null"])
        + raw[at:]
    )


def cut_off(dice: random.Random, raw: bytes) -> bytes:
    return raw[: dice.randrange(len(raw))]


def repeat_part(dice: random.Random, raw: bytes) -> bytes:
    a, b = sorted(dice.randrange(len(raw)) for _ in range(2))
    return raw[:b] + raw[a:b] + raw[b:]


def drop_field(dice: random.Random, raw: bytes) -> bytes:
    body = json.loads(raw)
    del body[dice.choice(list(body))]
    return json.dumps(body).encode()


def add_field(dice: random.Random, raw: bytes) -> bytes:
    value: Any = dice.choice([0, "x", True, [], {}, None, "", 1.5])
    return json.dumps({**json.loads(raw), f"extra{dice.randrange(9)}": value}).encode()


def change_value(dice: random.Random, raw: bytes) -> bytes:
    body = json.loads(raw)
    name = dice.choice(list(body))
    value = body[name]
    body[name] = dice.choice([None, "", 0, [value], {"x": value}, f"{value} ", str(value)[:-1], value, str(value)])
    return json.dumps(body).encode()


def swap_values(dice: random.Random, raw: bytes) -> bytes:
    body = json.loads(raw)
    one, two = dice.sample(list(body), 2)
    body[one], body[two] = body[two], body[one]
    return json.dumps(body).encode()


def swallow_field(dice: random.Random, raw: bytes) -> bytes:
    """Hide a field in another's value, as the signed text would have it."""
    body = json.loads(raw)
    names = sorted(name for name in body if name != "sign")
    if len(names) > 1:
        at = dice.randrange(len(names) - 1)
        body[names[at]] = f"{body[names[at]]}&{names[at + 1]}={body.pop(names[at + 1])}"
    return json.dumps(body, ensure_ascii=False).encode()


def reorder(dice: random.Random, raw: bytes) -> bytes:
    items = list(json.loads(raw).items())
    dice.shuffle(items)
    return json.dumps(dict(items), indent=dice.choice([None, 1])).encode()


def other_sign(dice: random.Random, raw: bytes) -> bytes:
    body = json.loads(raw)
    sign = str(body.get("sign", ""))
    body["sign"] = dice.choice([sign[:-1], sign[1:], sign * 2, sign[:32], sign + sign[:24], sign.upper(), sign[::-1]])
    return json.dumps(body).encode()


CHANGES: list[Change] = [
    flip_bit,
    other_byte,
    drop_bytes,
    insert_bytes,
    cut_off,
    repeat_part,
    drop_field,
    add_field,
    change_value,
    swap_values,
    swallow_field,
    reorder,
    other_sign,
]


def meaning(event: Event) -> dict[str, Any]:
    """An event's fields; an empty text, null and no field at all are the same to the signature, and to a merchant."""
    fields = attrs.asdict(event, filter=lambda field, value: field.name != "raw" and value not in (None, ""))  # type: ignore[arg-type]
    return {"class": type(event), **fields}


def assault(parse: Callable[[bytes], Any], raws: list[bytes], count: int) -> tuple[int, int]:
    """How many changed bodies were refused, and how many were still the same event."""
    dice = random.Random(20260105)
    refused = same = 0
    wanted = {raw: parse(raw) for raw in raws}
    for _ in range(count):
        raw = dice.choice(raws)
        changed = raw
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            try:
                changed = dice.choice(CHANGES)(dice, changed) or b"x"
            except (ValueError, AttributeError, TypeError, IndexError):
                break  # already no JSON object any more
        try:
            event = parse(changed)
        except CallbackError:
            refused += 1
        else:
            assert meaning(event) == meaning(wanted[raw]), (raw, changed)
            same += 1
    return refused, same


def test_a_changed_ph_callback_is_refused_or_the_same_event() -> None:
    refused, same = assault(PHCallbacks(SECRET).parse, [signed(s["fields"]) for s in PH_SAMPLES], COUNT)
    assert refused + same == COUNT
    assert refused > COUNT // 2
    assert same > COUNT // 50  # blanks, order, upper case, null fields


def test_a_changed_global_callback_is_refused_or_the_same_event(other_key_pem: str) -> None:
    callbacks = GlobalCallbacks(load_private_key(other_key_pem).public)
    raws = [enveloped(json.dumps({**PAYOUT, "amount": amount}), other_key_pem) for amount in (1, 150000)]
    count = COUNT // 2
    refused, same = assault(callbacks.parse, raws, count)
    assert refused + same == count
    assert refused > count // 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(
    st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True).filter(lambda name: name != "sign"), JSON, max_size=6
)


@settings(max_examples=size(15, 80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FIELDS, st.booleans())
def test_whatever_paycools_signs_is_taken(fields: dict[str, Any], escaped: bool) -> None:
    """Any flat body signed as documented is verified, with its values as they were, nested ones included."""
    text = json.dumps(fields, ensure_ascii=escaped)
    body = f'{text[:-1]}{", " if fields else ""}"sign": "{sign_of(text)}"}}'
    event = PHCallbacks(SECRET).parse(body)
    assert {name: value for name, value in event.raw.items() if name != "sign"} == fields


@settings(max_examples=size(30, 150), deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_noise_is_refused(noise: bytes | str) -> None:
    try:
        PHCallbacks(SECRET).parse(noise)
    except CallbackError:
        return
    raise AssertionError(noise)


ODD_VALUES = [
    "1e9999999999999999999999",
    "-1e-9999999999999999999999",
    "1e999999999",
    "1e1000000",
    "1E+400",
    "0.0000000000000000000000000000000001",
    "-0",
    "-0.0e-5",
    "1" * 40,
    "1" * 41,
    "1" * 4400,
    "1." + "1" * 4400,
    "253402300800",
    "1e39",
    "true",
    "[]",
    "{}",
    '[{"a": [null, {"b": 1e9999999999999999999999}]}]',
    "[" * 31 + "]" * 31,
    r'"\u0000"',
    r'"\ud83d\ude00"',
    '"0001-01-01 00:00:00"',
    '"9999-12-31 23:59:59"',
    '"99999-01-01 00:00:00"',
    '"NaN"',
    '"-Infinity"',
    '"1_000"',
    '"\u0661\u0662"',
]
ODD_VALUES += [f'"{value}"' for value in ODD_VALUES[:14]]


def with_each_field(fields: dict[str, Any], value: str) -> Iterator[str]:
    """The body's text, once for each field, which has this JSON text for its value."""
    for name in [*fields, "somethingNew"]:
        parts = [f"{json.dumps(each)}: {json.dumps(fields[each])}" for each in fields if each != name]
        yield "{" + ", ".join([*parts, f"{json.dumps(name)}: {value}"]) + "}"


@pytest.mark.parametrize("value", some(ODD_VALUES, 10), ids=lambda value: value[:28])
def test_what_paycools_signs_with_an_odd_value_is_an_event_or_refused(value: str, other_key_pem: str) -> None:
    """In any field of any event, and quickly. Sent by whoever has the secret, or through a proxy's bug."""
    ph, platform = PHCallbacks(SECRET), GlobalCallbacks(load_private_key(other_key_pem).public)
    began = time.process_time()
    count = 0
    for sample in PH_SAMPLES[:: 3 if FULL else 12]:
        for text in with_each_field({k: v for k, v in sample["fields"].items() if k != "sign"}, value):
            body = read(text)
            sign = hashlib.sha1(f"{flat_text(body)}&secret={SECRET}".encode(), usedforsecurity=False).hexdigest()
            with contextlib.suppress(CallbackError):
                assert isinstance(ph.parse(f'{text[:-1]}, "sign": "{sign}"}}'), Event)
            count += 1
    for text in with_each_field(PAYOUT, value):
        with contextlib.suppress(CallbackError):
            assert isinstance(platform.parse(enveloped(text, other_key_pem)), Event)
    assert count > 20
    assert time.process_time() - began < 5


def test_what_no_number_can_hold_is_malformed() -> None:
    ph = PHCallbacks(SECRET)
    for value in ODD_VALUES[:2]:
        text = json.dumps(PAYOUT).replace("150000", value)
        sign = hashlib.sha1(f"{flat_text(read(text))}&secret={SECRET}".encode(), usedforsecurity=False).hexdigest()
        with pytest.raises(MalformedCallback, match="beyond all bounds"):
            ph.parse(f'{text[:-1]}, "sign": "{sign}"}}')
