"""The examples run as documented: their own process, real HTTP on loopback, and a browser where there is one."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.process

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CHROMIUM = shutil.which("chromium")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """An example in a process of its own."""

    def __init__(self, log: Path, name: str, *arguments: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, str(EXAMPLES / name), "--port", str(port), *arguments]
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)

    async def ready(self, http: aiohttp.ClientSession) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                async with http.get(self.url + "/"):
                    return
            except aiohttp.ClientError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < end
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def eventually(http: aiohttp.ClientSession, url: str, good: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + 15
    while True:
        async with http.get(url) as answer:
            found = await answer.json()
        if good(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def dom(url: str, profile: Path) -> str:
    """The page as the browser has it after its scripts have run."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={profile}", "--virtual-time-budget=20000", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


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
    browser = asyncio.create_task(asyncio.to_thread(dom, order, tmp_path / "profile"))
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
