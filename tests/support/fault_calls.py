"""Clients, calls and places that the fault table is tried with."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from support.fault_table import Family, Fault

from paycools_async import AiohttpTransport, GlobalCredentials, PayCoolsGlobal, PayCoolsPH, PHCredentials
from paycools_async.signing import PrivateKey
from paycools_async.testing import ManualClock

__all__ = ["MOVE", "ORDER", "Call", "a_client", "calls", "closed_port"]

ORDER = "ORDER0000001"
MOVE = {
    "ph": {
        "amount": 50010,
        "pay_method_code": "EWALLET",
        "ewallet_code": "GCASH",
        "account_no": "09171234567",
        "account_name": "Juan Dela Cruz",
    },
    "global": {
        "amount": 20000,
        "account_no": "109594480004",
        "account_name": "Budi Santoso",
        "mobile": "0812345678",
        "pay_method_code": "BANK",
        "transfer_code": "CIMB",
    },
}
CREATE = {
    "ph": {
        "amount": 50010,
        "channel_code": "GCASH_URL",
        "email": "juan@example.com",
        "mobile": "+639171234567",
        "callback_url": "https://shop.example/notify",
        "redirect_url": "https://shop.example/thanks",
    },
    "global": {
        "amount": 50010,
        "channel_code": "GCASH_URL",
        "customer_name": "Juan Dela Cruz",
        "email": "juan@shop.example",
        "mobile": "09171234567",
        "notify_url": "https://shop.example/paid",
        "redirect_url": "https://shop.example/thanks",
    },
}
Call = Callable[[], Awaitable[Any]]


def calls(client: Any, family: Family) -> dict[str, Call]:
    """One call of each kind."""
    payouts = client.payouts if family == "ph" else client.indonesia.payouts
    create = client.web_payments.create if family == "ph" else client.philippines.payments.create
    return {
        "read": lambda: payouts.query(mch_order_id=ORDER),
        "create": lambda: create(mch_order_id=ORDER, **CREATE[family]),
        "move": lambda: payouts.create(mch_order_id=ORDER, **MOVE[family]),
    }


class _KnowsNobody(aiohttp.abc.AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> Any:
        raise OSError(socket.EAI_NONAME, "Name or service not known")

    async def close(self) -> None: ...


@asynccontextmanager
async def a_client(
    family: Family, url: str, key: PrivateKey, platform_key: Any, fault: Fault, clock: ManualClock
) -> AsyncIterator[Any]:
    session = None
    if fault.place == "unknown name":
        url = "https://paycools.invalid"
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=_KnowsNobody()))
    options: dict[str, Any] = {
        "base_url": url,
        "transport": AiohttpTransport(session=session, max_connections=1),
        "clock": clock,
        "timeout": 5.0,
    }
    client: Any
    if family == "ph":
        credentials = PHCredentials(app_id="A", app_name="Shop", private_key=key, callback_secret="a-callback-secret")
        client = PayCoolsPH(credentials, **options)
    else:
        of_global = GlobalCredentials(app_id="A", private_key=key, platform_public_key=platform_key)
        client = PayCoolsGlobal(of_global, **options)
    try:
        async with client:
            yield client
    finally:
        if session is not None:
            await session.close()


def closed_port() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"
