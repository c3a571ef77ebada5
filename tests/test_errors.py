"""The errors themselves: one drawn tree, and each is made with what it knows and not changed afterwards."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.engine_stage import ORDER, TABLE, Stage, Step, says

import paycools_async
from paycools_async import Outcome, errors
from paycools_async.errors import (
    ApiError,
    InsufficientBalance,
    InvalidParameter,
    InvalidRequest,
    OutcomeUnknown,
    PayCoolsError,
    TransportError,
)


def every_class() -> Iterator[type[PayCoolsError]]:
    for found in pkgutil.walk_packages(paycools_async.__path__, "paycools_async."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
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


@pytest.mark.parametrize(
    "error",
    [
        InvalidParameter(1009, "amount:too small").with_context(operation="x", order_id="O1"),
        InvalidRequest("CreatePayout", [errors.FieldError("amount", "is 0")]),
        OutcomeUnknown("unclear", request=ORDER, sent_at=1.5),
        errors.UnexpectedAnswer("HTTP 502", status=502, retry_after=3.0),
        TransportError("refused", outcome=Outcome.NOT_SENT),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_travel_between_processes(error: PayCoolsError, again: Any) -> None:
    made = again(error)
    assert (type(made), str(made), vars(made), made.args) == (type(error), str(error), vars(error), error.args)


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
