"""The examples run as documented: their own process, real HTTP on loopback, and a browser where there is one."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from support.example_process import CHROMIUM, Served, dom, eventually

pytestmark = pytest.mark.process


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def buy(http: aiohttp.ClientSession, shop: Served) -> str:
    """A new order's page."""
    async with http.post(shop.url + "/buy/Barako coffee") as answer:
        assert answer.status == 200
        text = await answer.text()
        assert 'src="data:image/svg+xml' in text
        assert '<b id="state">waiting</b>' in text
        return str(answer.url)


@pytest.fixture
async def shop(http: aiohttp.ClientSession, tmp_path: Path) -> AsyncIterator[Served]:
    for package in ("fastapi", "uvicorn", "segno"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: it comes with the extra `examples`")
    served = Served(tmp_path / "log", "fastapi_shop.py", "--folder", str(tmp_path), "--log-level", "info")
    try:
        await served.ready(http)
        yield served
    finally:
        served.stop()


async def test_the_shops_page_turns_to_paid_when_the_callback_arrives(
    shop: Served, http: aiohttp.ClientSession
) -> None:
    order = await buy(http, shop)
    for _ in range(2):  # pressed twice, paid once
        async with http.post(order + "/simulate") as answer:
            assert answer.status == 200
    assert await eventually(http, order + "/state", lambda found: found["state"] == "paid") == {"state": "paid"}
    async with http.get(order) as answer:
        assert '<b id="state">paid</b>' in await answer.text()


async def test_the_shop_takes_no_unsigned_callback_and_no_price_from_a_browser(
    shop: Served, http: aiohttp.ClientSession
) -> None:
    order = await buy(http, shop)
    forged = {"eventName": "qrcode.payment.success", "mchOrderId": order.rsplit("/", 1)[1], "sign": "a" * 40}
    async with http.post(shop.url + "/paycools/callbacks", json=forged) as answer:
        assert answer.status == 400
    async with http.post(shop.url + "/buy/Gold", data={"amount": "1"}) as answer:
        assert answer.status == 404


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
async def test_a_browser_sees_the_code_and_then_the_payment(
    shop: Served, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The page is loaded while the order waits; its script shows the payment without another load."""
    order = await buy(http, shop)
    loaded = f'"GET /orders/{order.rsplit("/", 1)[1]} HTTP/1.1" 200'
    before = shop.log.read_text().count(loaded)
    browser = asyncio.create_task(asyncio.to_thread(dom, order, tmp_path / "profile", 600))
    while shop.log.read_text().count(loaded) == before:
        assert not browser.done()
        await asyncio.sleep(0.02)
    async with http.post(order + "/simulate", allow_redirects=False) as answer:
        assert answer.status == 303
    seen = await browser
    assert re.search(r'<img id="qr" [^>]*src="data:image/svg\+xml', seen)
    assert '<b id="state">paid</b>' in seen


async def test_the_office_pays_and_shows_how_each_payout_ended(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    office = Served(tmp_path / "log", "payout_office.py")
    try:
        await office.ready(http)
        async with http.post(office.url + "/pay") as answer:
            assert answer.status == 200
        payouts = await eventually(
            http, office.url + "/states", lambda found: {p["state"] for p in found} <= {"paid", "failed"}
        )
        assert [p["state"] for p in payouts] == ["paid", "paid", "failed"]
        assert payouts[2]["reason"] == "Transaction Destination Account Error"
        async with http.get(office.url) as answer:
            text = await answer.text()
        assert "PHP 12,500.00" in text
        assert "09171234567" not in text
        async with http.post(office.url + "/paycools/callbacks", data=b"{}") as answer:
            assert answer.status == 400
    finally:
        office.stop()
