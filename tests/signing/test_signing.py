"""Signing: the text, the two signers, the callback's hash, and the threads that sign off the loop."""

from __future__ import annotations

import asyncio
import enum
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from paycools_async.errors import Outcome, PayCoolsError
from paycools_async.signing import load_private_key, ph_callback_sign, ph_signing_text, signer_for, verifier_for
from paycools_async.signing.base import PrivateKey, Signer, Verifier
from paycools_async.signing.openssl import OpenSSLSigner, OpenSSLVerifier
from paycools_async.signing.pool import SigningPool
from paycools_async.signing.pycryptodome import PycryptodomeSigner, PycryptodomeVerifier
from paycools_async.testing import generate_private_key
from paycools_async.wire.canonical import NumberText, json_text

DOCUMENTED_BODY = '{"amount": 100.00, "appId": "f90addc4861540ef9312e87d8f360e08", "version":"1.0"}'
DOCUMENTED_TEXT = "amount=100.00&appId=f90addc4861540ef9312e87d8f360e08&version=1.0"


# --- the text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [Decimal, NumberText])
def test_the_documented_example_is_signed_exactly_as_documented(number: Any) -> None:
    """The JSON number 100.00 enters the text as 100.00, not as 100 or 100.0."""
    assert ph_signing_text(json.loads(DOCUMENTED_BODY, parse_float=number)) == DOCUMENTED_TEXT


def test_pairs_stand_in_ascii_order_upper_case_first() -> None:
    assert (
        ph_signing_text({"b": "4", "a": "3", "aB": "2", "B": "1", "a1": "x", "_": "y"}) == "B=1&_=y&a=3&a1=x&aB=2&b=4"
    )


@pytest.mark.parametrize("left_out", [None, "", b"", b"file", bytearray(b"file")])
def test_null_empty_text_and_bytes_are_left_out(left_out: Any) -> None:
    assert ph_signing_text({"a": "1", "b": left_out}) == "a=1"


def test_sign_is_left_out_and_only_at_the_top() -> None:
    assert ph_signing_text({"sign": "old", "a": {"sign": "kept"}}) == 'a={"sign":"kept"}'


def test_zero_and_false_are_kept() -> None:
    assert ph_signing_text({"z": 0, "f": False, "t": True, "d": Decimal(0)}) == "d=0&f=false&t=true&z=0"


def test_lists_and_objects_enter_as_the_compact_json_that_travels() -> None:
    """Inferred, as no document shows one: order as given, empty members kept, nothing escaped that need not be."""
    nested = [{"b": 1, "a": None, "c": ""}, [], {}, "x/ñ"]
    assert ph_signing_text({"items": nested}) == 'items=[{"b":1,"a":null,"c":""},[],{},"x/ñ"]'
    assert ph_signing_text({"items": nested}) == "items=" + json_text(nested)


def test_values_are_raw_neither_escaped_nor_percent_encoded() -> None:
    assert ph_signing_text({"a": 'Ñiño & "Ana"=ü/€+ \n'}) == 'a=Ñiño & "Ana"=ü/€+ \n'


def test_numbers_stand_as_they_stand_on_the_wire() -> None:
    assert ph_signing_text({"a": 500_000_000, "b": -10001, "c": Decimal("1E+2"), "d": NumberText("1e2")}) == (
        "a=500000000&b=-10001&c=100&d=1e2"
    )


class Colour(str, enum.Enum):  # noqa: UP042 - the older form, whose str() is the name
    RED = "red"


def test_a_text_enum_is_signed_by_its_value_which_is_what_travels() -> None:
    assert ph_signing_text({"a": Colour.RED}) == "a=red"
    assert json_text(Colour.RED) == '"red"'


@pytest.mark.parametrize("value", [1.0, 100.1, float("nan"), [1.5], {"a": {"b": 0.1}}, {1}, object(), {1: "a"}])
def test_what_has_no_certain_text_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        ph_signing_text({"amount": value})


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_decimals_that_are_no_numbers_are_refused(value: str) -> None:
    with pytest.raises(ValueError):
        ph_signing_text({"amount": Decimal(value)})


# --- the callback's hash ----------------------------------------------------------------------------------------------


def test_the_callback_hash_is_sha1_over_the_text_and_the_secret() -> None:
    fields = {"version": "1.0", "amount": NumberText("100.00"), "appId": "f90addc4861540ef9312e87d8f360e08"}
    assert ph_callback_sign(fields, "xxxxxxx") == hashlib.sha1(f"{DOCUMENTED_TEXT}&secret=xxxxxxx".encode()).hexdigest()


def test_the_callback_hash_of_the_synthetic_vector() -> None:
    """A made-up vector of an integrator's own unit test."""
    sign = ph_callback_sign({"b": "2", "a": "1", "empty": "", "sign": "ignored"}, "synthetic-secret")
    assert sign == hashlib.sha1(b"a=1&b=2&secret=synthetic-secret").hexdigest()
    assert len(sign) == 40
    assert sign == sign.lower()


def test_the_callback_hash_takes_utf8_in_text_and_secret() -> None:
    assert ph_callback_sign({"name": "Ñ"}, "gehéim") == hashlib.sha1("name=Ñ&secret=gehéim".encode()).hexdigest()


# --- the two signers --------------------------------------------------------------------------------------------------

TEXTS = [b"", b"a=1", DOCUMENTED_TEXT.encode(), "name=Ñiño".encode(), b"\x00\xff" * 5000]


@pytest.fixture(scope="session")
def keys(key_pem: str) -> dict[int, PrivateKey]:
    """One key of each size that integrators use."""
    return {2048: load_private_key(key_pem), 4096: load_private_key(generate_private_key(4096))}


@pytest.fixture(params=[2048, 4096])
def key(request: pytest.FixtureRequest, keys: dict[int, PrivateKey]) -> PrivateKey:
    return keys[request.param]


def verifiers(key: PrivateKey) -> list[Verifier]:
    return [OpenSSLVerifier(key.public), PycryptodomeVerifier(key.public)]


def test_both_signers_give_the_same_bytes_and_each_library_accepts_them(key: PrivateKey) -> None:
    fast, reference = OpenSSLSigner(key), PycryptodomeSigner(key)
    for text in TEXTS[2:]:
        signature = fast.sign(text)
        assert signature == reference.sign(text)
        assert len(signature) * 8 == key.bits
        assert [verifier.verify(text, signature) for verifier in verifiers(key)] == [True, True]


def test_empty_and_short_texts_are_signed_alike(keys: dict[int, PrivateKey]) -> None:
    for text in TEXTS[:2]:
        assert OpenSSLSigner(keys[2048]).sign(text) == PycryptodomeSigner(keys[2048]).sign(text)


@pytest.mark.parametrize("library", [0, 1], ids=["cryptography", "pycryptodome"])
def test_a_verifier_refuses_without_raising(keys: dict[int, PrivateKey], library: int) -> None:
    verifier = verifiers(keys[2048])[library]
    signature = OpenSSLSigner(keys[2048]).sign(b"a=1")
    others = signature + signature  # as long as a 4096-bit key's
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    assert verifier.verify(b"a=1", signature)
    assert not verifier.verify(b"a=2", signature)
    for bad in (b"", b"\0", signature[:-1], signature + b"\0", flipped, b"\xff" * len(signature), others):
        assert not verifier.verify(b"a=1", bad)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_the_openssl_command_verifies_a_signature(key: PrivateKey, tmp_path: Path) -> None:
    """A third opinion: SHA256withRSA is what `openssl dgst -sha256` makes of it."""
    text, sign, public = tmp_path / "text", tmp_path / "sign", tmp_path / "public.der"
    text.write_bytes(DOCUMENTED_TEXT.encode())
    sign.write_bytes(PycryptodomeSigner(key).sign(DOCUMENTED_TEXT.encode()))
    public.write_bytes(key.public.der)
    command = [
        "openssl",
        "dgst",
        "-sha256",
        "-keyform",
        "DER",
        "-verify",
        str(public),
        "-signature",
        str(sign),
        str(text),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Verified OK"), done.stderr


def test_the_fast_signer_is_taken_where_it_is_installed(keys: dict[int, PrivateKey], key_pem: str) -> None:
    assert isinstance(signer_for(keys[2048]), OpenSSLSigner)
    assert isinstance(verifier_for(keys[2048].public), OpenSSLVerifier)
    assert verifier_for(keys[2048].public.der).verify(b"a=1", signer_for(key_pem).sign(b"a=1"))


def test_without_the_extra_the_reference_signs(keys: dict[int, PrivateKey], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paycools_async.signing.has_openssl", lambda: False)
    assert isinstance(signer_for(keys[2048]), PycryptodomeSigner)
    assert isinstance(verifier_for(keys[2048].public), PycryptodomeVerifier)


# --- the threads ------------------------------------------------------------------------------------------------------


class Echo:
    """Signs by turning the text round; counts, and may be held back or made to fail."""

    def __init__(self) -> None:
        self.signed: list[bytes] = []
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()

    def sign(self, text: bytes) -> bytes:
        self.begun.set()
        assert self.gate.wait(60)
        self.signed.append(text)
        if text == b"fail":
            raise LookupError("no such key")
        if text == b"stop":
            raise StopIteration
        if text == b"exit":
            raise SystemExit
        return text[::-1]


Threads = Callable[[], list[threading.Thread]]


@pytest.fixture
def signing_threads() -> Threads:
    """The threads that a test has started; those that others left may still be ending."""
    before = {*threading.enumerate()}

    def found() -> list[threading.Thread]:
        return [each for each in {*threading.enumerate()} - before if each.name.startswith("paycools-sign")]

    return found


async def test_each_of_many_concurrent_texts_gets_its_own_signature(signing_threads: Threads) -> None:
    pool = SigningPool(Echo(), threads=3)
    texts = [f"text {n}".encode() for n in range(500)]
    assert await asyncio.gather(*map(pool.sign, texts)) == [text[::-1] for text in texts]
    assert len(signing_threads()) <= 3
    await pool.aclose()
    assert signing_threads() == []


async def test_threads_start_with_the_first_text_and_not_before(key_pem: str, signing_threads: Threads) -> None:
    signer: Signer = OpenSSLSigner(load_private_key(key_pem))
    pool = SigningPool(signer)
    assert signing_threads() == []
    assert await pool.sign(b"a=1") == signer.sign(b"a=1")
    assert len(signing_threads()) == 1
    await pool.aclose()


async def test_a_cancelled_waiter_leaves_the_others_alone_and_is_not_signed_for() -> None:
    echo = Echo()
    echo.gate.clear()
    pool = SigningPool(echo, threads=1)
    first = asyncio.create_task(pool.sign(b"first"))
    await asyncio.to_thread(echo.begun.wait, 60)
    second, third = asyncio.create_task(pool.sign(b"second")), asyncio.create_task(pool.sign(b"third"))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.sleep(0)
    echo.gate.set()
    assert await third == b"driht"
    assert first.cancelled()
    assert second.cancelled()
    await pool.aclose()
    assert echo.signed == [b"first", b"third"]


async def test_an_error_of_the_signer_reaches_its_caller_and_nobody_else() -> None:
    pool = SigningPool(Echo(), threads=1)
    good, bad, stop, left, last = await asyncio.gather(
        *map(pool.sign, [b"ab", b"fail", b"stop", b"exit", b"cd"]), return_exceptions=True
    )
    assert (good, last) == (b"ba", b"dc")
    assert isinstance(bad, LookupError)
    assert isinstance(stop, RuntimeError)
    assert isinstance(left, RuntimeError), "not even SystemExit ends the thread and leaves others waiting"
    assert await pool.sign(b"ef") == b"fe"
    await pool.aclose()


async def test_closing_finishes_what_waits_and_leaves_no_thread(signing_threads: Threads) -> None:
    echo = Echo()
    echo.gate.clear()
    pool = SigningPool(echo, threads=2)
    waiting = [asyncio.create_task(pool.sign(f"{n}".encode())) for n in range(10)]
    await asyncio.to_thread(echo.begun.wait, 60)
    closing = asyncio.create_task(pool.aclose())
    await asyncio.sleep(0)
    echo.gate.set()
    await closing
    assert signing_threads() == []
    assert await asyncio.gather(*waiting) == [f"{n}".encode() for n in range(10)]


async def test_a_closed_pool_says_that_nothing_was_sent() -> None:
    pool = SigningPool(Echo())
    await pool.aclose()
    await pool.aclose()
    with pytest.raises(PayCoolsError, match="closed") as caught:
        await pool.sign(b"a=1")
    assert caught.value.outcome is Outcome.NOT_SENT


def test_one_pool_serves_two_loops_one_after_the_other(signing_threads: Threads) -> None:
    pool = SigningPool(Echo())
    assert asyncio.run(pool.sign(b"ab")) == b"ba"
    assert asyncio.run(pool.sign(b"cd")) == b"dc"
    asyncio.run(pool.aclose())
    assert signing_threads() == []


def test_a_loop_that_is_gone_does_not_hurt_the_threads() -> None:
    echo = Echo()
    echo.gate.clear()
    pool = SigningPool(echo, threads=1)

    async def leave() -> None:
        waiter = asyncio.create_task(pool.sign(b"ab"))
        await asyncio.to_thread(echo.begun.wait, 60)
        waiter.cancel()

    asyncio.run(leave())
    echo.gate.set()
    assert asyncio.run(pool.sign(b"cd")) == b"dc"
    asyncio.run(pool.aclose())


async def test_a_text_that_waits_too_long_is_given_up_and_not_signed() -> None:
    echo = Echo()
    echo.gate.clear()
    pool = SigningPool(echo, threads=1)
    first = asyncio.create_task(pool.sign(b"first"))
    await asyncio.to_thread(echo.begun.wait, 60)
    with pytest.raises(TimeoutError):
        await pool.sign(b"late", within=0.02)
    echo.gate.set()
    assert await first == b"tsrif"
    await pool.aclose()
    assert echo.signed == [b"first"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority of its own")
async def test_signing_threads_step_back_behind_the_loop() -> None:
    class Niceness:
        def sign(self, text: bytes) -> bytes:
            return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())).encode()

    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    pool = SigningPool(Niceness())
    assert int(await pool.sign(b"")) == min(19, mine + 5)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine
    await pool.aclose()
