"""No key, no secret and no account stands where error trackers, debuggers, caches and process pools look."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

import attrs
import pytest
from support.engine_stage import ORDER, RESET, Stage, loaded, says

from paycools_async import (
    CreatePayout,
    GlobalCallbacks,
    GlobalCredentials,
    HttpResponse,
    PayCoolsGlobal,
    PayCoolsPH,
    PHCallbacks,
    PHCredentials,
    Purpose,
    load_private_key,
    load_public_key,
)
from paycools_async.errors import PayCoolsError
from paycools_async.ph import CheckoutAddress
from paycools_async.privacy.confidential import Secret, without_frames
from paycools_async.signing import PrivateKey, ph_callback_sign
from paycools_async.signing.openssl import OpenSSLSigner
from paycools_async.signing.pycryptodome import PycryptodomeSigner
from paycools_async.testing import FakePayCools

SECRET = "k9-callback-secret-of-this-merchant"
ACCOUNT = "09171234567"


def frames(error: BaseException) -> Iterator[FrameType]:
    """The package's own frames, of the error and of all behind it, hidden ones too."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        trace = each.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code  # constructors that attrs makes are the package's too
            if code.co_filename.startswith("<attrs") or _of_the_package(trace.tb_frame):
                yield trace.tb_frame
            trace = trace.tb_next
        waiting.append(each.__cause__)
        if not each.__suppress_context__:
            waiting.append(each.__context__)


def _of_the_package(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("paycools_async")


def exposed(error: BaseException, *secrets: str) -> list[str]:
    """Which functions of the package show a secret among their locals."""
    return [
        f"{frame.f_code.co_qualname}: {name}"
        for frame in frames(error)
        for name, value in frame.f_locals.items()
        for secret in secrets
        if secret in shown(value)
    ]


def shown(value: Any) -> str:
    """What an error tracker makes of a value."""
    try:
        return repr(value)
    except AttributeError:  # half made
        return ""


def body_of(pem: str) -> str:
    return pem.splitlines()[5]


def test_the_search_finds_what_stands_there(key_pem: str) -> None:
    scope: dict[str, Any] = {"__name__": "paycools_async.of_a_test"}
    exec("def leaky(text):\n    raise ValueError", scope)
    with pytest.raises(ValueError) as caught:
        scope["leaky"](SECRET)
    assert exposed(caught.value, SECRET) == ["leaky: text"]


# --- settings and keys ------------------------------------------------------------------------------------------------

MERCHANT: dict[str, Any] = {"app_id": "APP1", "app_name": "Sari Sari", "callback_secret": SECRET}


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_name": "S4ri"},
        {"app_id": ""},
        {"callback_secret": SECRET + "\n"},
        {"callback_secret": "-----" + SECRET},
        {"private_kee": "x"},
    ],
)
def test_credentials_that_are_refused_show_nothing(key_pem: str, wrong: dict[str, Any]) -> None:
    with pytest.raises((PayCoolsError, TypeError)) as caught:
        PHCredentials(**{**MERCHANT, "private_key": key_pem, **wrong})
    assert exposed(caught.value, SECRET, body_of(key_pem)) == []


@pytest.mark.parametrize(
    "spoil", [lambda pem: pem[:-40], lambda pem: pem.replace("A", "B"), lambda pem: pem.replace("-----END", "----")]
)
def test_a_key_that_is_refused_is_not_shown(key_pem: str, spoil: Callable[[str], str]) -> None:
    for load in (load_private_key, load_public_key):
        with pytest.raises(PayCoolsError) as caught:
            load(spoil(key_pem))
        assert exposed(caught.value, body_of(key_pem)) == []


@pytest.mark.parametrize("spoiled", ["APP_ID", "APP_NAME", "PRIVATE_KEY", "CALLBACK_SECRET", "BASE_URL", "ENVIRONMENT"])
def test_an_environment_with_a_mistake_is_not_shown(key_pem: str, spoiled: str) -> None:
    env = {
        "PAYCOOLS_PH_APP_ID": "APP1",
        "PAYCOOLS_PH_APP_NAME": "Sari",
        "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
        "PAYCOOLS_PH_CALLBACK_SECRET": SECRET,
        "DATABASE_PASSWORD": SECRET,
        f"PAYCOOLS_PH_{spoiled}": "\u200b1",
    }
    of_clients = spoiled in ("BASE_URL", "ENVIRONMENT")  # which credentials do not ask for
    makers: list[Any] = [PayCoolsPH.from_env, PayCoolsGlobal.from_env]
    makers += [] if of_clients else [PHCredentials.from_env, GlobalCredentials.from_env]
    for make in makers:
        with pytest.raises((PayCoolsError, TypeError)) as caught:
            make(env)
        assert exposed(caught.value, SECRET, body_of(key_pem)) == []


@pytest.mark.parametrize("signer", [PycryptodomeSigner, OpenSSLSigner])
def test_keys_credentials_and_signers_are_not_pickled(key: PrivateKey, signer: Any) -> None:
    ph = PHCredentials(**MERCHANT, private_key=key)
    kept = [key, ph, GlobalCredentials(app_id="a", private_key=key), signer(key), PHCallbacks(SECRET), Secret("x")]
    for each in kept:
        with pytest.raises(TypeError, match="is confidential and not pickled"):
            pickle.dumps(each)
        for again in (copy.copy(each), copy.deepcopy(each)):
            assert again is each
        with pytest.raises(TypeError, match="is confidential and not pickled"):
            pickle.dumps({"settings": [each]})


def test_vars_asdict_and_repr_show_nothing(key: PrivateKey) -> None:
    ph = PHCredentials(**MERCHANT, private_key=key)
    other = GlobalCredentials(app_id="a", private_key=key)
    callbacks = PHCallbacks([SECRET, "another"])
    secrets = [SECRET, key.der.hex(), repr(key.der), repr(key.der)[20:60]]
    shown = [repr(attrs.asdict(each)) for each in (ph, other, key)]
    shown += [repr(each) for each in (ph, other, key, callbacks, vars(callbacks), attrs.astuple(ph))]
    for each in (ph, other, key):
        shown += [repr(getattr(each, str(slot), None)) for slot in type(each).__dict__["__slots__"]]
    for text in shown:
        assert not any(secret in text for secret in secrets), text


def test_credentials_are_what_they_were(key: PrivateKey) -> None:
    ph = PHCredentials(**MERCHANT, private_key=key)
    assert (ph.callback_secret, ph.private_key.der) == (SECRET, key.der)
    assert ph == PHCredentials(**MERCHANT, private_key=load_private_key(key.der))
    assert ph != attrs.evolve(ph, callback_secret="another one")
    assert attrs.evolve(ph, app_id="b").callback_secret == SECRET
    assert hash(ph) == hash(attrs.evolve(ph))
    assert PHCredentials(app_id="a", app_name="b", private_key=key).callback_secret is None


def test_a_secret_is_equal_to_itself_alone() -> None:
    assert (Secret("a"), Secret(b"a"), hash(Secret("a"))) == (Secret("a"), Secret(b"a"), hash(Secret("a")))
    assert Secret("a") != Secret("b")
    assert Secret("\ud800") != "\ud800"
    assert (repr(Secret("a")), str(Secret("a")), f"{Secret('a')}") == ("***", "***", "***")
    with pytest.raises(AttributeError):
        setattr(Secret("a"), "value", "b")  # noqa: B010
    with pytest.raises(TypeError):
        vars(Secret("a"))


# --- callbacks --------------------------------------------------------------------------------------------------------

FORGED = [
    json.dumps({"eventName": "payout.success", "accountNo": ACCOUNT, "sign": "a" * 40}),
    json.dumps({"eventName": "payout.success", "accountNo": ACCOUNT, "sign": "short"}),
    json.dumps({"accountNo": ACCOUNT, "x": "\ud800", "sign": "a" * 40}),
    f'{{"accountNo": "{ACCOUNT}", "accountNo": "1"}}',
    f'{{"accountNo": "{ACCOUNT}"',
    json.dumps({"param": json.dumps({"accountNo": ACCOUNT}), "sign": "AAAA"}),
    json.dumps({"param": json.dumps({"accountNo": ACCOUNT}), "sign": "A\u00e4"}),
]


@pytest.mark.parametrize("body", FORGED)
def test_a_forged_callback_makes_nothing_visible(key: PrivateKey, body: str) -> None:
    for callbacks in (PHCallbacks(SECRET), GlobalCallbacks(key.public)):
        for parse in (callbacks.parse, lambda raw, c=callbacks: c.parse(raw.encode())):
            with pytest.raises(PayCoolsError) as caught:
                parse(body)
            assert exposed(caught.value, SECRET, ACCOUNT) == []


def test_a_callback_secret_does_not_stand_in_a_failing_signature() -> None:
    with pytest.raises(TypeError) as caught:
        ph_callback_sign({"amount": 1.5, "accountNo": ACCOUNT}, SECRET)
    assert exposed(caught.value, SECRET, ACCOUNT) == []


# --- calls ------------------------------------------------------------------------------------------------------------

STEPS: dict[str, Any] = {
    "reset": RESET,
    "refused": says(1009, f"accountNo:{ACCOUNT} is wrong"),
    "unclear": says(1018, f"for {ACCOUNT}"),
    "not JSON": HttpResponse(200, {}, f'{{"accountNo": "{ACCOUNT}'.encode()),
    "no object": HttpResponse(200, {}, json.dumps([ACCOUNT]).encode()),
    "another status": HttpResponse(502, {}, ACCOUNT.encode()),
    "missing fields": says(1000, data={"accountNo": ACCOUNT}),
    "another order": says(1000, data={"mchOrderId": "X", "transactionId": "1", "accountNo": ACCOUNT}),
    "against the contract": OSError("broken pipe"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_a_call_that_fails_shows_neither_account_nor_signed_text(key_pem: str, step: Any) -> None:
    async with Stage(key_pem, step) as stage:
        for sending in (stage.client.send(ORDER), stage.client.exchange(ORDER)):
            with pytest.raises(PayCoolsError) as caught:
                await sending
            assert exposed(caught.value, ACCOUNT, SECRET, "accountNo=", body_of(key_pem)) == []


REQUEST: Any = CreatePayout
GIVEN: dict[str, Any] = {field.name: getattr(ORDER, field.name) for field in attrs.fields(REQUEST)}
WRONG = {
    "a rule broken": {"amount": 0},
    "the account itself": {"account_no": f"{ACCOUNT}\n"},
    "an unknown field": {"colour": "red"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_request_that_is_refused_shows_neither_account_nor_name(key_pem: str, wrong: dict[str, Any]) -> None:
    given = {**GIVEN, **wrong}
    async with Stage(key_pem, RESET) as stage:
        with pytest.raises((PayCoolsError, TypeError)) as caught:
            await stage.client.payouts.create(**given)
        assert exposed(caught.value, ACCOUNT, ORDER.account_name) == []
    address: dict[str, Any] = {"customer_name": ORDER.account_name, "mobile": ACCOUNT, "post_code": ""}
    for make in (
        lambda: CreatePayout(**given),
        lambda: attrs.evolve(cast(Any, ORDER), **wrong),
        lambda: CheckoutAddress(**address),
    ):
        with pytest.raises((PayCoolsError, TypeError)) as caught:
            make()
        assert exposed(caught.value, ACCOUNT, ORDER.account_name) == []


@pytest.mark.parametrize("name", sorted(STEPS.keys() - {"missing fields", "another order"}))
async def test_a_call_without_a_class_shows_nothing_of_its_fields(key_pem: str, name: str) -> None:
    async with Stage(key_pem, STEPS[name]) as stage:
        for method in ("GET", "POST"):
            with pytest.raises(PayCoolsError) as caught:
                await stage.client.call(method, "/api/v1/x", {"secretOfTheirs": ACCOUNT}, purpose=Purpose.PAYOUT)
            assert exposed(caught.value, ACCOUNT) == []


def test_a_request_shows_neither_account_nor_name() -> None:
    shown = repr(ORDER)
    assert ACCOUNT not in shown
    assert ORDER.account_name not in shown
    assert "amount=50010" in shown


class BrokenSigner:
    def sign(self, text: bytes) -> bytes:
        raise ZeroDivisionError


class BrokenService:
    async def sign(self, text: bytes) -> bytes:
        raise ZeroDivisionError


@pytest.mark.parametrize("signer", [BrokenSigner(), BrokenService()])
async def test_a_signer_that_fails_leaves_its_own_frames_only(key_pem: str, signer: Any) -> None:
    async with Stage(key_pem, RESET, signer=signer) as stage:
        with pytest.raises(PayCoolsError) as caught:
            await stage.client.send(ORDER)
    assert exposed(caught.value, ACCOUNT) == []
    cause = caught.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert cause.__traceback__ is not None
    assert cause.__traceback__.tb_frame.f_code.co_name == "sign", "where the fault is, is still said"


async def test_a_field_that_cannot_be_written_does_not_show_the_others(key_pem: str) -> None:
    async with Stage(key_pem, RESET) as stage:
        for method in ("GET", "POST"):
            with pytest.raises(PayCoolsError) as caught:
                await stage.client.call(method, "/api/v1/x", {"x": 1.5, "secretOfTheirs": ACCOUNT})
            assert exposed(caught.value, ACCOUNT) == []


async def test_a_client_and_its_parts_show_nothing(key_pem: str, fake: FakePayCools) -> None:
    key, _ = loaded(key_pem)
    async with Stage(key_pem, RESET) as stage:
        client = stage.client
        parts = [
            client,
            vars(client),
            client._engine,
            client._engine.prepare,
            client._engine.attempts,
            client.callbacks,
        ]
        for part in parts:
            assert "callback secret" not in repr(part)
            assert repr(key.der)[20:60] not in repr(part)


def test_what_is_raised_without_frames_is_the_same_error() -> None:
    error = ValueError("it")

    @without_frames
    def fail(secret: str) -> None:
        try:
            raise KeyError(secret)
        except KeyError:
            raise error from None

    with pytest.raises(ValueError, match="it") as caught:
        fail(SECRET)
    assert caught.value is error
    assert (error.__context__, error.__cause__) == (None, None)
    assert fail.__name__ == "fail"
