"""The errors themselves: one drawn tree, and each is made with what it knows and not changed afterwards."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import json
import pickle
import pkgutil
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import ModuleType
from typing import Any

import pytest
from support.engine_stage import ORDER, QUERY, TABLE, Stage, Step, says

import paycools_async
from paycools_async import HttpResponse, Outcome, errors
from paycools_async.errors import (
    ApiError,
    InsufficientBalance,
    InvalidParameter,
    OutcomeUnknown,
    PayCoolsError,
    TransportError,
)
from paycools_async.privacy.redaction import without_personal


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(paycools_async.__path__, "paycools_async."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def every_class() -> Iterator[type[PayCoolsError]]:
    for module in modules():
        for value in vars(module).values():
            own = inspect.isclass(value) and value.__module__ == module.__name__
            if own and issubclass(value, PayCoolsError):
                yield value


def test_the_drawn_tree_is_the_tree_there_is() -> None:
    """Of the modules whose errors a program may meet: name and base of each."""
    drawn: dict[str, str] = {}
    above: list[str] = ["PayCoolsError"]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([| ]*)\+-- (\w+)  ", line)
        if found:
            depth = len(found[1]) // 4 + 1
            del above[depth:]
            drawn[found[2]] = above[-1]
            above.append(found[2])
    known = {cls.__name__: cls for cls in every_class()}
    for name, base in drawn.items():
        assert base in [each.__name__ for each in known[name].__mro__[1:]], name
    missing = {cls.__name__ for cls in known.values() if not cls.__name__.startswith("_")} - drawn.keys()
    assert missing == {"PayCoolsError"}


def test_with_context_leaves_the_error_as_it_is() -> None:
    cause = ValueError("the cause")
    try:
        raise InsufficientBalance(1006, "too little") from cause
    except ApiError as error:
        first = error
    first.add_note("a note")
    second = first.with_context(operation="ph.payout.create", order_id="O1", message="***")
    assert (first.operation, first.order_id, first.message) == (None, None, "too little")
    assert str(first) == "1006 too little (top up the balance, then send the same order again)"
    assert str(second) == "ph.payout.create O1: 1006 *** (top up the balance, then send the same order again)"
    assert type(second) is InsufficientBalance
    assert (second.__cause__, second.__traceback__, second.__notes__) == (cause, first.__traceback__, ["a note"])


def test_a_doubted_refusal_is_another_error() -> None:
    refused = InsufficientBalance(1006, "too little")
    doubted = refused.doubted()
    assert (refused.outcome, doubted.outcome) == (Outcome.REJECTED, Outcome.UNKNOWN)
    assert str(doubted) == "1006 too little (inquire by order id before sending again)"
    with pytest.warns(DeprecationWarning, match="replaced by doubted"):
        refused.doubt()
    assert (refused.outcome, str(refused)) == (Outcome.UNKNOWN, str(doubted))


# --- errors travel ----------------------------------------------------------------------------------------------------


def every_exception() -> list[type[BaseException]]:
    """Every class of the package that is raised, private ones too."""
    found = {cls for module in modules() for cls in vars(module).values() if inspect.isclass(cls)}
    own = [cls for cls in found if cls.__module__.startswith("paycools_async") and issubclass(cls, BaseException)]
    return sorted(own, key=lambda cls: f"{cls.__module__}.{cls.__qualname__}")


GIVEN: dict[str, Any] = {"errors": [errors.FieldError("amount", "is 0")], "code": 1009, "status": 502}


def made(cls: type[BaseException]) -> BaseException:
    """An instance, with everything in it that an error can have."""
    args, named = [], {}
    own_constructor = cls.__init__ if inspect.isfunction(cls.__init__) else PayCoolsError  # built-in ones take a text
    for parameter in inspect.signature(own_constructor).parameters.values():
        if parameter.name == "self":
            continue
        value = GIVEN.get(parameter.name, "amount: what a person reads")
        if parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            args.append(value)
    error = cls(*args, **named)
    error.add_note("a note")
    if isinstance(error, PayCoolsError):
        error = error.with_context(
            outcome=Outcome.UNKNOWN,
            operation="ph.payout.create",
            order_id="O1",
            attempts=3,
            status=502,
            answer={"code": 1018, "message": "busy", "data": [None]},
            cause=errors.NetworkCause("ClientConnectorError", "refused"),
            request=ORDER,
        )
        error.__cause__ = InsufficientBalance(1006, "too little")
    return error


def pickled(error: Any, protocol: int) -> Any:
    return pickle.loads(pickle.dumps(error, protocol))


TRAVELS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {number}": functools.partial(pickled, protocol=number) for number in range(6)},
}


def all_of(error: BaseException) -> dict[str, Any]:
    """Whatever can be asked of an error: its attributes and those that its class gives."""
    names = [name for name in dir(error) if not name.startswith("__") or name == "__notes__"]
    names = [name for name in names if name != "diag"]  # psycopg's: another object each time that one asks
    values = {name: getattr(error, name, None) for name in names}
    return {name: value for name, value in values.items() if not callable(value)}


@pytest.mark.parametrize("travel", TRAVELS.values(), ids=TRAVELS.keys())
def test_every_class_survives_with_all_that_it_says(travel: Callable[[Any], Any]) -> None:
    for cls in every_exception():
        error = made(cls)
        again = travel(error)
        assert (type(again), str(again), again.args) == (cls, str(error), error.args)
        assert all_of(again) == all_of(error), cls
        if isinstance(error, PayCoolsError):
            assert (
                str(again.__cause__)
                == str(error.__cause__)
                == "1006 too little (top up the balance, then send the same order again)"
            )


def test_there_are_many_of_them() -> None:
    names = {cls.__name__ for cls in every_exception()}
    assert names > {"OutcomeUnknown", "SignatureMismatch", "InboxError", "NotReleased", "WorkCrashed", "HandlerTimeout"}


def test_a_cause_of_somebody_else_stays_behind() -> None:
    """It may be what cannot be pickled, and would take the error with it."""
    error = errors.SigningError("the signer failed: Broken")
    error.__cause__ = type("Broken", (Exception,), {})()
    assert pickle.loads(pickle.dumps(error)).__cause__ is None


def refuse(order_id: str) -> None:
    raise InsufficientBalance(1006, "too little").with_context(order_id=order_id, status=200)


@pytest.mark.process
def test_a_refused_payout_does_not_end_a_pool_of_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for order_id in ("O1", "O2"):
            with pytest.raises(InsufficientBalance) as caught:
                pool.submit(refuse, order_id).result()
            error = caught.value
            assert (error.code, error.order_id, error.status, error.outcome) == (1006, order_id, 200, Outcome.REJECTED)


def test_an_outcome_is_a_text() -> None:
    assert [str(each) for each in Outcome] == ["not_sent", "rejected", "accepted", "duplicate", "unknown"]
    text: str = Outcome.UNKNOWN
    assert (f"{text}", text) == ("unknown", "unknown")
    assert json.dumps({"outcome": Outcome.REJECTED}) == '{"outcome": "rejected"}'
    assert repr(Outcome.NOT_SENT) == "<Outcome.NOT_SENT: 'not_sent'>"


# --- what they say of a call ------------------------------------------------------------------------------------------

SAID = {
    "mchOrderId": "O1",
    "amount": 50010,
    "accountNo": "0917 123 4567",
    "whoseIsIt": "Juan",
    "remark": "for JUAN DELA CRUZ",
}
TOLD = {"mchOrderId": "O1", "amount": 50010, "accountNo": "***", "whoseIsIt": "***", "remark": "***"}
CAUSE = errors.NetworkCause("ServerDisconnectedError", "closed")
DROPPED = TransportError("closed; the request had been sent", cause=CAUSE)


@pytest.mark.parametrize(
    ("step", "status", "answer", "cause"),
    [
        (says(1006, "too little", data=SAID), 200, {"code": 1006, "message": "too little", "data": TOLD}, None),
        (says(1018, "of 09171234567", data=[SAID]), 200, {"code": 1018, "message": "of ***", "data": [TOLD]}, None),
        (says(1000, data=SAID, status=502), 502, {"code": 1000, "message": "", "data": TOLD}, None),
        (says(1000, data=SAID), 200, {"code": 1000, "message": "", "data": TOLD}, None),
        (HttpResponse(503, {}, b"<html>"), 503, None, None),
        (DROPPED, None, None, CAUSE),
        (OSError("broken pipe"), None, None, errors.NetworkCause("OSError")),
    ],
    ids=["refused", "busy", "another status", "no receipt", "no JSON", "dropped", "against the contract"],
)
async def test_an_error_tells_what_was_answered_and_nothing_of_a_person(
    key_pem: str, step: Step, status: int | None, answer: Any, cause: Any
) -> None:
    async with Stage(key_pem, step) as stage:
        with pytest.raises(PayCoolsError) as caught:
            await stage.client.send(ORDER)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.operation, error.order_id, error.attempts) == ("ph.payout.create", "ORDER0000001", 1)
    assert (error.status, error.answer, error.cause) == (status, answer, cause)


async def test_what_an_earlier_attempt_was_answered_is_not_said_of_the_last(key_pem: str) -> None:
    async with Stage(key_pem, says(1013, "slow down"), DROPPED) as stage:
        with pytest.raises(PayCoolsError) as caught:
            await stage.client.send(QUERY)
    assert (caught.value.attempts, caught.value.status, caught.value.answer) == (3, None, None)
    assert caught.value.cause == CAUSE


@pytest.mark.parametrize(
    "name", ["accountNo", "failedMessage", "paymentCode", "payToken", "payData", "userId", "email"]
)
def test_free_texts_and_what_is_somebodys_are_not_told(name: str) -> None:
    assert without_personal({name: "09171234567", "transactionId": "D1"}, []) == {name: "***", "transactionId": "D1"}


def test_an_answer_without_end_is_told_in_short() -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = {"list": [deep]}
    told = without_personal({"mchOrderId": "y" * 9000, "list": list(range(999)), "deep": deep}, [])
    assert len(json.dumps(told)) < 1500


@pytest.mark.parametrize("step", [row[0] for row in TABLE.values()], ids=TABLE.keys())
async def test_what_the_transport_raised_is_not_changed(key_pem: str, step: Step) -> None:
    before = dict(vars(step)) if isinstance(step, PayCoolsError) else {}
    async with Stage(key_pem, step) as stage:
        with pytest.raises(PayCoolsError):
            await stage.client.send(ORDER)
    assert not isinstance(step, PayCoolsError) or vars(step) == before


async def test_what_is_raised_has_one_history(key_pem: str) -> None:
    """The refusal with PayCools' own words stands nowhere behind the one whose words are hidden."""
    async with Stage(key_pem, says(1018, "for 09171234567")) as stage:
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.send(ORDER)
    cause = caught.value.__cause__
    assert isinstance(cause, ApiError)
    assert (cause.message, cause.operation, cause.__cause__, cause.__context__) == (
        "for ***",
        "ph.payout.create",
        None,
        None,
    )


# --- what is hidden in the messages -----------------------------------------------------------------------------------


async def test_personal_texts_of_a_call_without_a_class_are_hidden_too(key_pem: str) -> None:
    async with Stage(key_pem, says(1009, "accountNo:0917 123-4567 of JUAN DELA CRUZ")) as stage:
        with pytest.raises(InvalidParameter) as caught:
            await stage.client.call(
                "POST", "/api/v1/x", {"accountNo": "09171234567", "inside": [{"accountName": "Juan Dela Cruz"}]}
            )
    assert (caught.value.message, caught.value.reason) == ("accountNo:*** of ***", "*** of ***")
