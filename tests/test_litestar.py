"""Results and events as what a Litestar route returns, as its pages show it: the class in the annotation, no more.

Litestar is in no extra: `pip install litestar` runs the whole file.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from paycools_async import PayoutReceipt, PayoutStatus, TransactionStatus, to_dict
from paycools_async.litestar import PayCoolsPlugin

RECEIPT = PayoutReceipt(
    transaction_id="D1",
    transaction_status=TransactionStatus("NEW_WORD"),
    transaction_time=datetime(2026, 1, 5, 1, 38, 3, tzinfo=UTC),
    raw={"accountNo": "09171234567"},
)
SENT = {
    "transaction_id": "D1",
    "transaction_status": "NEW_WORD",
    "transaction_time": "2026-01-05T01:38:03+00:00",
    "mch_order_id": None,
}


def test_a_result_is_sent_as_to_dict_makes_it_and_anything_else_as_it_is() -> None:
    outgoing = PayCoolsPlugin().create_dto_for_type(None)(None)
    assert outgoing.data_to_encodable_type([RECEIPT, None, {"a": (RECEIPT,)}, 7]) == [SENT, None, {"a": [SENT]}, 7]


@pytest.mark.parametrize("kind", [PayoutReceipt, PayoutStatus])
def test_it_takes_results_and_nothing_else(kind: type[Any]) -> None:
    plugin = PayCoolsPlugin()
    asked = SimpleNamespace(is_subclass_of=lambda cls: issubclass(kind, cls))
    assert plugin.supports_type(asked)
    assert plugin.is_plugin_supported_type(kind)
    assert not plugin.supports_type(SimpleNamespace(is_subclass_of=lambda cls: issubclass(dict, cls)))
    assert not plugin.is_plugin_supported_type(dict)
    assert not plugin.is_plugin_supported_type(RECEIPT)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_routes_return_results_and_the_schema_says_so() -> None:
    litestar = pytest.importorskip("litestar", reason="needs litestar")
    TestClient = pytest.importorskip("litestar.testing").TestClient  # noqa: N806

    async def one() -> PayoutReceipt:
        return RECEIPT

    async def maybe() -> PayoutReceipt | None:
        return RECEIPT

    async def several() -> list[PayoutReceipt]:
        return [RECEIPT]

    async def with_headers() -> Any:
        return litestar.Response(RECEIPT, headers={"X-Order": "O1"})

    async def other() -> dict[str, int]:
        return {"a": 1}

    with_headers.__annotations__["return"] = litestar.Response[PayoutReceipt]
    routes = {"/one": one, "/maybe": maybe, "/several": several, "/headers": with_headers, "/other": other}
    handlers = [litestar.get(path)(route) for path, route in routes.items()]
    with TestClient(litestar.Litestar(handlers, plugins=[PayCoolsPlugin()])) as client:
        assert client.get("/one").json() == client.get("/maybe").json() == to_dict(RECEIPT) == SENT
        assert client.get("/several").json() == [SENT]
        answer = client.get("/headers")
        assert (answer.json(), answer.headers["X-Order"]) == (SENT, "O1")
        assert client.get("/other").json() == {"a": 1}
        pages = client.get("/schema/openapi.json").json()
    shown = pages["components"]["schemas"]["PayoutReceipt"]
    assert shown["required"] == ["transaction_id"]
    assert shown["properties"].keys() == SENT.keys()
    assert shown["properties"]["transaction_id"] == {"type": "string"}
    assert {"type": "string"} in shown["properties"]["transaction_status"]["oneOf"], "any text: the enum is open"
    answered = pages["paths"]["/one"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answered == {"$ref": "#/components/schemas/PayoutReceipt"}
