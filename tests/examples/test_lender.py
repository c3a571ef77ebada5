"""The lender of docs/examples: loans are paid out, repaid, sent back; killed, it loses none and pays none twice."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.example_process import CHROMIUM, Served, dom, eventually
from support.killing import long
from support.ports import free_port
from support.sandbox import FAULTS, ask
from support.size import size

pytestmark = [
    pytest.mark.process,
    *(
        pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} comes with the extra `examples`")
        for name in ("fastapi", "uvicorn", "segno", "sqlalchemy", "aiosqlite")
    ),
]

KILLS = size(2, 8, "PAYCOOLS_KILLS")
LOANS = size(20, 120, "PAYCOOLS_KILL_ROWS")
FINAL = {"paid out", "not paid out"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session:
        yield session


@pytest.fixture
async def lender(http: aiohttp.ClientSession, tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path / "log", "lender.py", "--log-level", "info")
    try:
        await served.ready(http)
        yield served
    finally:
        served.stop()


async def post(http: aiohttp.ClientSession, url: str, body: Any = None) -> Any:
    async with http.post(url, json=body or {}) as answer:
        found = await answer.json()
        assert answer.status == 200, found
        return found


def wanted(number: int, *, account: str = "09171234567") -> dict[str, Any]:
    return {
        "application": f"application{number:05}",
        "name": "Juan Dela Cruz",
        "account": account,
        "amount": 500_000 + number,
    }


async def test_a_loan_is_paid_out_repaid_and_what_was_too_much_goes_back(
    lender: Served, http: aiohttp.ClientSession
) -> None:
    loan = await post(http, lender.url + "/loans", wanted(0))
    assert await post(http, lender.url + "/loans", wanted(0)) == loan, "sent twice, it is one loan"
    [seen] = await eventually(http, lender.url + "/loans", lambda found: found[0]["state"] in FINAL)
    assert (seen["state"], seen["owed"], seen["account"]) == ("paid out", 525_000, "...4567")
    for amount in (500_000, 50_000):
        asked = await post(http, f"{lender.url}/loans/{loan['id']}/repayments", {"amount": amount})
        assert asked["picture"].startswith("data:image/svg+xml")
        for _ in range(2):  # pressed twice, paid once
            await post(http, f"{lender.url}/repayments/{asked['id']}/simulate")
    [seen] = await eventually(http, lender.url + "/loans", lambda found: found[0]["refunds"])
    assert (seen["state"], seen["owed"]) == ("repaid", 0)
    [refund] = seen["refunds"]
    assert (refund["amount"], refund["state"]) == (25_000, "owed")
    await post(http, f"{lender.url}/refunds/{refund['id']}")
    await eventually(http, lender.url + "/loans", lambda found: found[0]["refunds"][0]["state"] == "refunded")
    async with http.post(f"{lender.url}/refunds/{refund['id']}") as answer:
        assert answer.status == 409, "it is sent back once"
    async with http.get(lender.url + "/health") as answer:
        health = await answer.json()
    assert (health["ok"], health["backlog"], health["unacknowledged"]) == (True, 0, 0)


async def test_what_cannot_be_paid_is_said_and_what_failed_is_owed_by_nobody(
    lender: Served, http: aiohttp.ClientSession
) -> None:
    for fault, text in (
        ({"account": "1E+5"}, "account_no: a spreadsheet has rounded this number"),
        ({"name": "Ni\u00f1o"}, "account_name: letters, spaces and ' . - only"),
        ({"amount": 1}, "from PHP 500 to PHP 50,000"),
    ):
        async with http.post(lender.url + "/loans", json={**wanted(0), **fault}) as answer:
            assert answer.status == 422
            assert text in (await answer.json())["detail"]
    await post(http, lender.url + "/loans", wanted(1, account="09171230000"))
    [seen] = await eventually(http, lender.url + "/loans", lambda found: found[0]["state"] in FINAL)
    assert (seen["state"], seen["owed"]) == ("not paid out", 0)
    assert seen["reason"] == "Transaction Destination Account Error"
    async with http.post(lender.url + "/paycools/callbacks", json={"eventName": "x", "sign": "a" * 40}) as answer:
        assert answer.status == 400


async def test_the_page_is_served_with_its_script(lender: Served, http: aiohttp.ClientSession) -> None:
    async with http.get(lender.url) as answer:
        text = await answer.text()
    assert '<form id="borrow">' in text
    assert 'fetch("/loans")' in text


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
async def test_a_browser_sees_the_loan_and_its_button(
    lender: Served, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    loan = await post(http, lender.url + "/loans", wanted(0))
    await eventually(http, lender.url + "/loans", lambda found: found[0]["state"] == "paid out")
    seen = await asyncio.to_thread(dom, lender.url, tmp_path / "profile")
    row = re.search(rf'<tr data-loan="{loan["id"]}">(.*?)</tr>', seen)
    assert row is not None
    assert re.findall(r"<td>([^<]*)", row[1])[1:5] == [
        "Juan Dela Cruz ...4567",
        "PHP 5,000.00",
        "PHP 5,250.00",
        "paid out",
    ]
    assert "<button>Repay all</button>" in row[1]


# -- killed ---------------------------------------------------------------------------------------------------------


async def borrow(http: aiohttp.ClientSession, url: str, numbers: list[int]) -> dict[int, str]:
    """Ask for each loan until it is answered, as a browser does that asks again; by number, the loans' ids."""
    taken = {}
    for number in numbers:
        while number not in taken:
            try:
                async with http.post(url + "/loans", json=wanted(number)) as answer:
                    assert answer.status in (200, 500, 503), await answer.text()
                    if answer.status == 200:
                        taken[number] = (await answer.json())["id"]
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.05)
    return taken


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=long)])
async def test_killed_at_random_moments_no_loan_is_lost_and_none_is_paid_twice(
    http: aiohttp.ClientSession,
    sandbox: tuple[str, dict[str, str]],
    tmp_path: Path,
    store: str,
    request: pytest.FixtureRequest,
) -> None:
    base_url, env = sandbox
    await asyncio.to_thread(ask, f"{base_url}/_sandbox/faults", FAULTS)
    database = request.getfixturevalue("dsn") if store == "postgres" else str(tmp_path / "lender.db")
    arguments = [
        "lender.py",
        "--from-env",
        "--timeout",
        "2",
        "--absent-after",
        "1",
        "--resends",
        "5",
        "--database",
        database,
    ]
    settings = {**env, "PAYCOOLS_PH_CALLBACK_SECRET": "secret"}
    dice, ports = random.Random(20), [free_port() for _ in range(2 if store == "postgres" else 1)]

    def start(port: int) -> Served:
        return Served(tmp_path / f"log{port}", *arguments, port=port, env=settings)

    lenders = [start(port) for port in ports]
    borrowers = [
        asyncio.create_task(borrow(http, f"http://127.0.0.1:{ports[each % len(ports)]}", list(range(each, LOANS, 4))))
        for each in range(4)
    ]
    try:
        for _ in range(KILLS):
            killed = dice.randrange(len(ports))
            await lenders[killed].ready(http)
            await asyncio.sleep(dice.uniform(0, 1.5))
            lenders[killed].kill()
            lenders[killed] = start(ports[killed])
        await lenders[0].ready(http)
        taken = {number: loan for each in await asyncio.gather(*borrowers) for number, loan in each.items()}

        def all_final(found: list[dict[str, Any]]) -> bool:
            return len(found) == LOANS and {each["state"] for each in found} <= FINAL

        loans = await eventually(http, lenders[0].url + "/loans", all_final, within=120 + LOANS)
    finally:
        for each in borrowers:
            each.cancel()
        for served in lenders:
            served.kill()
    assert {each["id"]: each["amount"] for each in loans} == {
        loan: 500_000 + number for number, loan in taken.items()
    }, "each application that was answered is one loan"
    books = await asyncio.to_thread(ask, f"{base_url}/_sandbox/books")
    assert books["paid_more_than_once"] == []
    paid = Counter((each["order_id"], each["amount"]) for each in books["payouts"] if each["status"] != "FAILED")
    assert paid == {(each["id"], each["amount"]): 1 for each in loans if each["state"] == "paid out"}
    assert {each["state"] for each in loans} == {"paid out"}, "no account here ends in 0000"
    assert books["struck"], "the faults that are meant did strike"
