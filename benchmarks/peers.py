"""Other SDKs' async clients against the same stub: what each adds to the bare HTTP client that it sends with.

Calls are made one after another, in processor time of this process. Nothing is installed here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import attrs

from .cases import Bench, NullSigner, Open, floor_fields, sdk
from .measure import Pay
from .stub import AMOUNT

WANTED = ("stripe", "openai")
_WARM_UP = 10
"""Calls: the connection, and whatever is made once."""


def advice() -> str | None:
    """What to install; None where nothing is missing."""
    missing = [name for name in WANTED if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return f"--peers needs packages that are not installed: {', '.join(missing)}. Run: pip install {' '.join(missing)}"


async def time_each(way: Open, bench: Bench, calls: int) -> float:
    """Seconds of processor time a call."""
    async with way(bench) as pay:
        for number in range(calls + _WARM_UP):
            if number == _WARM_UP:
                started = time.process_time()
            await pay(f"PEER{number:010d}")
        return (time.process_time() - started) / calls


def _bare(path: str, body: Callable[[str], dict[str, Any]]) -> Open:
    """A POST by aiohttp; the answer is read."""

    @contextlib.asynccontextmanager
    async def open_(bench: Bench) -> AsyncIterator[Pay]:
        async with bench.session() as session:

            async def pay(order_id: str) -> None:
                async with session.post(bench.url + path, **body(order_id)) as response:
                    await response.read()

            yield pay

    return open_


def _paycools(**options: Any) -> Open:
    return lambda bench: sdk(bench, "ph", **options)


def _stripe_fields(order_id: str) -> dict[str, Any]:
    return {
        "amount": AMOUNT,
        "currency": "php",
        "method": "standard",
        "description": "benchmark",
        "statement_descriptor": "Juan Dela Cruz",
        "metadata": {"mchOrderId": order_id, "account": "09171234567"},
    }


def _stripe_form(order_id: str) -> dict[str, Any]:
    fields = _stripe_fields(order_id)
    more = {f"metadata[{name}]": value for name, value in fields.pop("metadata").items()}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return {"data": urlencode({**fields, **more}).encode(), "headers": headers}


@contextlib.asynccontextmanager
async def _stripe(bench: Bench) -> AsyncIterator[Pay]:
    stripe: Any = importlib.import_module("stripe")
    stripe.enable_telemetry = False
    http = stripe.AIOHTTPClient()
    addresses = {"api": bench.url}
    client = stripe.StripeClient("sk_test_benchmark", base_addresses=addresses, http_client=http, max_network_retries=0)

    async def pay(order_id: str) -> None:
        made = await client.v1.payouts.create_async(_stripe_fields(order_id))
        if made.status != "pending":
            raise RuntimeError("stripe's client did not read the answer")

    try:
        yield pay
    finally:
        await http.close_async()


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


@attrs.frozen
class Peer:
    """An SDK's call, and the same bytes posted by the bare client it uses."""

    id: str
    what: str
    sdk: Open
    bare: Open


_POST = _bare("/api/v1/payout", lambda order_id: {"json": floor_fields("ph", order_id, "A" * 344)})
PEERS = (
    Peer("paycools_unsigned", "PayCools, without its signature (aiohttp)", _paycools(signer=NullSigner()), _POST),
    Peer("paycools", "PayCools, signature included (aiohttp)", _paycools(), _POST),
    Peer("stripe", "stripe, a payout (aiohttp)", _stripe, _bare("/v1/payouts", _stripe_form)),
    Peer("openai", "openai, a chat completion (httpx)", _openai, _bare_httpx),
)
