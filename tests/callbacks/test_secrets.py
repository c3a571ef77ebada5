"""Nobody who keeps a traceback's variables, or prints or stores our objects, gets to see a secret."""

from __future__ import annotations

import copy
import io
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from support.callbacks import PAYOUT, signed
from support.frames import shown

from paycools_async.callbacks import CallbackInbox, CallbackRouter, PHCallbacks, SignatureMismatch
from paycools_async.callbacks.inbox import InboxError, SQLiteStore
from paycools_async.errors import ConfigurationError

KEPT = "kept-by-the-merchant"


def callbacks() -> PHCallbacks:
    return PHCallbacks([KEPT, KEPT + "-2"])


FORGED = {
    "another secret": signed(PAYOUT, "a forger's"),
    "no sign": b'{"a": 1}',
    "hidden field": signed({**PAYOUT, "amount": "1&createTime=2026-01-01 00:00:00"}, "a forger's"),
    "no JSON": b"\xff",
}


@pytest.mark.parametrize("raw", FORGED.values(), ids=FORGED.keys())
def test_a_forged_callback_shows_no_secret_and_no_right_sign(raw: bytes) -> None:
    ph = callbacks()
    with pytest.raises(Exception, match=r"sign|JSON|UTF-8|hides") as caught:
        ph.parse(raw)
    found = shown(caught.value, everybody=True)
    assert "ph=<PHCallbacks, 2 secrets>" in found, "the frames are looked into"
    assert KEPT not in found
    assert json.loads(signed(PAYOUT, KEPT))["sign"] not in found


def test_tools_that_print_variables_show_no_secret() -> None:
    ph = callbacks()
    with pytest.raises(SignatureMismatch) as caught:
        ph.parse(FORGED["another secret"])
    captured = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEPT not in "".join(captured.format())
    rich = pytest.importorskip("rich.traceback")
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=200)
    error = caught.value
    console.print(rich.Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    assert "2 secrets" in console.file.getvalue()
    assert KEPT not in console.file.getvalue()


def every_part(found: object, depth: int = 4) -> str:
    """The repr of an object, and of what `vars` finds in it, again and again."""
    parts = [repr(found)]
    inner = getattr(found, "__dict__", None) or (dict(enumerate(found)) if isinstance(found, list | tuple) else {})
    inner = found if isinstance(found, dict) else inner
    if depth:
        parts += [every_part(each, depth - 1) for each in inner.values()]
    return "\n".join(parts)


async def test_no_repr_and_no_vars_shows_a_secret(tmp_path: Any) -> None:
    ph = callbacks()
    router = CallbackRouter(ph)
    inbox = CallbackInbox(router, await SQLiteStore.open(tmp_path / "i.db"))
    for each in (ph, router, inbox):
        assert KEPT not in every_part(each)
    await inbox.aclose()


def test_callbacks_are_not_pickled_and_a_copy_is_the_same_object() -> None:
    ph = callbacks()
    assert copy.deepcopy(ph) is copy.copy(ph) is ph
    with pytest.raises(TypeError, match="not pickled") as caught:
        pickle.dumps(ph)
    assert KEPT not in shown(caught.value, everybody=True)


BAD: dict[str, Callable[[], object]] = {
    "one empty": lambda: PHCallbacks([KEPT, " "]),
    "one no text": lambda: PHCallbacks([KEPT, 5]),  # type: ignore[list-item]
    "half a surrogate": lambda: PHCallbacks(KEPT + "\ud83d"),
    "bad names": lambda: PHCallbacks(KEPT, names={"x": 5}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_setting_up_wrongly_shows_no_secret(make: Callable[[], object]) -> None:
    with pytest.raises((ConfigurationError, TypeError, AttributeError)) as caught:
        make()
    assert KEPT not in shown(caught.value)


async def test_the_postgres_store_shows_no_password() -> None:
    from paycools_async.callbacks.postgres import PostgresStore

    dsn = "postgresql://me:hunter2@127.0.0.1:1/none"
    assert "hunter2" not in every_part(PostgresStore(dsn))
    assert PostgresStore(dsn).location == dsn
    with pytest.raises(InboxError) as caught:
        await PostgresStore.open(dsn)
    assert "hunter2" not in shown(caught.value)
