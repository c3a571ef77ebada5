"""Every result and event as JSON: by hand, and as what a FastAPI route returns."""

from __future__ import annotations

import enum
import json
import sys
import types
import typing
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import attrs
import pytest
from fastapi import FastAPI
from support.engine_stage import ORDER

from paycools_async import CreatePayout, PayCoolsPH, PayoutReceipt, PayoutSettled, endpoints, to_dict
from paycools_async.endpoint import Result
from paycools_async.jsonable import json_schema

MOMENT = datetime(2026, 1, 5, 1, 38, 3, tzinfo=UTC)


def results() -> list[type[Any]]:
    """Every class of results and events."""
    classes: set[Any] = set()
    for entry in endpoints():
        classes |= {entry.request} if entry.kind == "callback" else {entry.returns, *get_args(entry.returns)}
    found = [each for each in classes if isinstance(each, type) and issubclass(each, Result)]
    return sorted(found, key=lambda each: f"{each.__module__}.{each.__qualname__}")


def example(hint: Any) -> Any:
    """A value of this type."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return example(get_args(hint)[0])
    if origin in (list, tuple, Sequence):
        return [example(get_args(hint)[0])]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    if isinstance(hint, type) and attrs.has(hint):
        return filled(hint)
    return {bool: True, int: 5, str: "text", Decimal: Decimal("10000.00"), datetime: MOMENT, date: date(2026, 1, 5)}[
        hint
    ]


def filled(cls: type[Any]) -> Any:
    """An instance with something in every field."""
    hints = typing.get_type_hints(cls)
    return cls(**{field.alias: example(hints[field.name]) for field in attrs.fields(cls) if field.name != "raw"})


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether JSON data is what a schema of ours says. Our few words only."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if schema["type"] == "array":
        return isinstance(value, list) and all(fits(each, schema["items"]) for each in value)
    if schema["type"] == "object":
        known = schema.get("properties", {})
        return isinstance(value, dict) and value.keys() == known.keys() and all(fits(value[k], known[k]) for k in known)
    kinds: dict[str, Any] = {"boolean": bool, "integer": int, "string": str, "null": type(None)}
    return isinstance(value, kinds[schema["type"]])


@pytest.mark.parametrize("cls", results(), ids=lambda cls: cls.__name__)
def test_every_result_and_event_is_json_as_its_schema_says(cls: type[Any]) -> None:
    instance = filled(cls)
    data = json.loads(json.dumps(to_dict(instance)))
    assert data == to_dict(instance)
    assert fits(data, json_schema(cls))


def test_there_are_many_of_them() -> None:
    assert len(results()) > 60


def test_times_keep_their_offset_decimals_their_digits_and_raw_stays_behind() -> None:
    settled = PayoutSettled(
        event_name="disbursement.success",
        mch_order_id="PAY1",
        transaction_id="D1",
        transaction_status="SOMETHING_NEW",  # type: ignore[arg-type]
        amount=150000,
        create_time=MOMENT,
        raw={"secret": "kept"},
    )
    data = to_dict(settled)
    assert (data["create_time"], data["amount"]) == ("2026-01-05T01:38:03+00:00", 150000)
    assert "raw" not in data


@pytest.mark.parametrize("other", [None, {}, "text", ORDER])
def test_nothing_else_is_taken(other: Any) -> None:
    with pytest.raises(TypeError, match="a result or an event, not"):
        to_dict(other)


async def answered(app: Any, method: str, path: str, query: bytes = b"") -> tuple[int, Any]:
    """Status and JSON of an ASGI application's answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query}
    await app({**scope, "headers": [], "http_version": "1.1", "scheme": "http"}, receive, send)
    return sent[0]["status"], json.loads(b"".join(each.get("body", b"") for each in sent[1:]))


def example_of_the_page(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What an example of docs/web.md defines. Its annotations are looked up in a module, so it gets one."""
    page = (Path(__file__).parent.parent / "docs" / "web.md").read_text("utf-8")
    source = page.partition(f"<!-- example: {name} -->\n```python\n")[2].partition("\n```")[0]
    module = types.ModuleType(f"example_{name}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, f"docs/web.md: {name}", "exec"), vars(module))
    return vars(module)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Litestar, about itself
@pytest.mark.parametrize(("name", "created"), [("fastapi", 200), ("litestar", 201)])
async def test_the_pages_examples_work(
    paycools: PayCoolsPH, monkeypatch: pytest.MonkeyPatch, name: str, created: int
) -> None:
    pytest.importorskip(name)
    app = example_of_the_page(name, monkeypatch)["app"]
    app.state.paycools = paycools
    status, receipt = await answered(app, "POST", "/payouts/ORDER1", b"amount=50010")
    assert (status, receipt["transaction_status"]) == (created, "PENDING")
    assert "raw" not in receipt


async def test_a_fastapi_route_returns_a_receipt_as_it_is(paycools: PayCoolsPH) -> None:
    app = FastAPI()

    @app.post("/payouts")
    async def pay() -> PayoutReceipt:
        return await paycools.send(ORDER)

    status, receipt = await answered(app, "POST", "/payouts")
    assert (status, receipt["transaction_status"]) == (200, "PENDING")
    _, pages = await answered(app, "GET", "/openapi.json")
    shown = pages["paths"]["/payouts"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shown["properties"]["transaction_id"] == {"type": "string"}


async def test_a_fastapi_route_may_choose_the_fields(paycools: PayCoolsPH) -> None:
    app = FastAPI()

    @app.post("/some", response_model_include={"transaction_id", "mch_order_id"})
    async def some() -> PayoutReceipt:
        return await paycools.send(ORDER)

    @app.post("/others", response_model_exclude={"transaction_id"}, response_model_exclude_none=True)
    async def others() -> PayoutReceipt:
        other: CreatePayout = attrs.evolve(ORDER, mch_order_id="ORDER0000002")  # type: ignore[misc]
        return await paycools.send(other)

    status, receipt = await answered(app, "POST", "/some")
    assert (status, set(receipt)) == (200, {"transaction_id", "mch_order_id"})
    status, receipt = await answered(app, "POST", "/others")
    assert (status, "transaction_id" in receipt, None in receipt.values()) == (200, False, False)
    assert "transaction_status" in receipt
