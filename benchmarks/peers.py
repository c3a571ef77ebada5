"""Other SDKs' async clients against the same stub: what each adds to the bare HTTP client that it sends with.

Calls are made one after another, in processor time of this process. Nothing is installed here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlencode

import attrs

from .alone import NullSigner
from .cases import Bench, floor_fields, sdk
from .measure import Pay
from .stub import AMOUNT

__all__ = ["PEERS", "WANTED", "Cost", "Peer", "advice", "cost_of"]

WANTED = ("stripe", "openai")


def advice() -> str | None:
    """What to install; None where nothing is missing."""
    missing = [name for name in WANTED if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return f"--peers needs packages that are not installed: {', '.join(missing)}. Run: pip install {' '.join(missing)}"


@attrs.frozen(kw_only=True)
class Cost:
    """Microseconds of processor time a call."""

    sdk: float
    bare: float


@attrs.frozen(kw_only=True)
class Peer:
    """An SDK's call, and the same bytes posted by the bare client it uses."""

    id: str
    what: str
    sdk: Callable[[Bench], AbstractAsyncContextManager[Pay]]
    bare: Callable[[Bench], AbstractAsyncContextManager[Pay]]


async def cost_of(peer: Peer, bench: Bench, calls: int) -> Cost:
    return Cost(sdk=await _each(peer.sdk, bench, calls), bare=await _each(peer.bare, bench, calls))


async def _each(way: Callable[[Bench], AbstractAsyncContextManager[Pay]], bench: Bench, calls: int) -> float:
    async with way(bench) as pay:
        for number in range(10):  # the connection, and whatever is made once
            await pay(f"WARM{number:010d}")
        started = time.process_time()
        for number in range(calls):
            await pay(f"PEER{number:010d}")
        return (time.process_time() - started) / calls * 1e6


@contextlib.asynccontextmanager
async def _bare_json(bench: Bench) -> AsyncIterator[Pay]:
    async with bench.session() as session:

        async def pay(order_id: str) -> None:
            fields = floor_fields("ph", order_id, "A" * 344)
            async with session.post(bench.url + "/api/v1/payout", json=fields) as response:
                await response.read()

        yield pay


def _stripe_fields(order_id: str) -> dict[str, Any]:
    return {
        "amount": AMOUNT,
        "currency": "php",
        "method": "standard",
        "description": "benchmark",
        "statement_descriptor": "Juan Dela Cruz",
        "metadata": {"mchOrderId": order_id, "account": "09171234567"},
    }


@contextlib.asynccontextmanager
async def _stripe(bench: Bench) -> AsyncIterator[Pay]:
    stripe: Any = importlib.import_module("stripe")
    stripe.enable_telemetry = False
    http = stripe.AIOHTTPClient()
    client = stripe.StripeClient(
        "sk_test_benchmark", base_addresses={"api": bench.url}, http_client=http, max_network_retries=0
    )

    async def pay(order_id: str) -> None:
        made = await client.v1.payouts.create_async(_stripe_fields(order_id))
        if made.status != "pending":
            raise RuntimeError("stripe's client did not read the answer")

    try:
        yield pay
    finally:
        await http.close_async()


@contextlib.asynccontextmanager
async def _bare_form(bench: Bench) -> AsyncIterator[Pay]:
    async with bench.session() as session:

        async def pay(order_id: str) -> None:
            fields = _stripe_fields(order_id)
            more = {f"metadata[{name}]": value for name, value in fields.pop("metadata").items()}
            body = urlencode({**fields, **more}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            async with session.post(bench.url + "/v1/payouts", data=body, headers=headers) as response:
                await response.read()

        yield pay


def _openai_fields(order_id: str) -> dict[str, Any]:
    return {"model": "stub", "messages": [{"role": "user", "content": f"mchOrderId {order_id} " + "benchmark " * 40}]}


@contextlib.asynccontextmanager
async def _openai(bench: Bench) -> AsyncIterator[Pay]:
    openai: Any = importlib.import_module("openai")
    async with openai.AsyncOpenAI(api_key="benchmark", base_url=bench.url + "/v1", max_retries=0) as client:

        async def pay(order_id: str) -> None:
            made = await client.chat.completions.create(**_openai_fields(order_id))
            if made.choices[0].message.content != "paid":
                raise RuntimeError("openai's client did not read the answer")

        yield pay


@contextlib.asynccontextmanager
async def _bare_httpx(bench: Bench) -> AsyncIterator[Pay]:
    openai: Any = importlib.import_module("openai")
    async with openai.DefaultAsyncHttpxClient() as client:  # the httpx client that openai's SDK sends with

        async def pay(order_id: str) -> None:
            response = await client.post(bench.url + "/v1/chat/completions", json=_openai_fields(order_id))
            response.raise_for_status()

        yield pay


PEERS = (
    Peer(
        id="paycools_unsigned",
        what="PayCools, without its signature (aiohttp)",
        sdk=lambda bench: sdk(bench, "ph", NullSigner()),
        bare=_bare_json,
    ),
    Peer(
        id="paycools",
        what="PayCools, signature included (aiohttp)",
        sdk=lambda bench: sdk(bench, "ph"),
        bare=_bare_json,
    ),
    Peer(id="stripe", what="stripe, a payout (aiohttp)", sdk=_stripe, bare=_bare_form),
    Peer(id="openai", what="openai, a chat completion (httpx)", sdk=_openai, bare=_bare_httpx),
)
