"""Whatever PayCools, or a proxy, answers: it is a result or one of our errors, at once, and in little memory.

The suite takes a few thousand answers; PAYCOOLS_FUZZ_ANSWERS=40000 takes as many as it says.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from support.engine_stage import ORDER, QUERY, loaded
from support.size import size

from paycools_async import (
    GlobalCredentials,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    PayCoolsGlobal,
    PayCoolsPH,
    PHCredentials,
    load_private_key,
)
from paycools_async.batch import GlobalPayouts, PHPayouts
from paycools_async.errors import PayCoolsError
from paycools_async.policy import Retry
from paycools_async.testing import ManualClock, generate_private_key

COUNT = size(600, 4000, "PAYCOOLS_FUZZ_ANSWERS")
SECONDS = 2.0

HOSTILE = [
    *(
        "1e9999999999999999999999",
        "1e1000000",
        "-1e-1000000",
        "1e30",
        "1e31",
        "-0",
        "0.1",
        "9" * 39,
        "9" * 41,
        "9" * 4301,
    ),
    *("true", "null", "{}", "[]", "NaN", "Infinity", '"NaN"', '"1e1000000"', '"1e30"', '"' + "9" * 5000 + '"', '""'),
    *('"\\ud800"', '"\\u0000"', '"\\u202e\\u001b[2J"', '"' + "x" * 60_000 + '"', "[" * 2_000, "[" * 20 + "]" * 20),
    *('{"a":{"a":{"a":1}}}', '"2026-13-45 99:99:99"', '"9999-12-31 23:59:59"', '"0001-01-01 00:00:00"', '"PENDING"'),
]
ANSWER: dict[str, Any] = {
    "code": 1000,
    "message": "success",
    "data": {
        "mchOrderId": "ORDER0000001",
        "transactionId": "D1",
        "transactionStatus": "COMPLETE",
        "amount": 50010,
        "balance": 5_000_000,
        "currency": "PHP",
        "createTime": "2026-03-02 12:00:00",
        "failedCode": -10010,
        "failedMessage": "closed",
        "total": 1,
        "pages": 1,
        "list": [{"merchantOrderId": "ORDER0000001", "transactionId": "D1", "amount": 500.1, "status": "SUCCESS"}],
    },
}


def _mutated(dice: random.Random, success: int) -> HttpResponse:
    """An answer in which some values are others; or some bytes."""
    marks: list[str] = []

    def change(value: Any, share: float) -> Any:
        if dice.random() < share:
            marks.append(dice.choice(HOSTILE))
            return f"@{len(marks) - 1}@"
        if isinstance(value, dict):
            return {name: change(each, share) for name, each in value.items() if dice.random() > share / 3}
        return [change(each, share) for each in value] if isinstance(value, list) else value

    text = json.dumps(change({**ANSWER, "code": success}, dice.choice([0.0, 0.1, 0.4])))
    for number, mark in enumerate(marks):
        text = text.replace(f'"@{number}@"', mark)
    if dice.random() < 0.1:
        text = text.replace('"amount"', '"code"').replace('"balance"', '"amount"')
    raw = bytearray(text.encode(dice.choice(["utf-8"] * 8 + ["utf-8-sig", "utf-16"])))
    for _ in range(dice.choice([0, 0, 0, 1, 4]) if raw else 0):
        raw[dice.randrange(len(raw))] = dice.randrange(256)
    if dice.random() < 0.1:
        del raw[dice.randrange(len(raw) + 1) :]
    headers = {"Retry-After": dice.choice(["1", "9" * 400, "-1", "nan", "\u0661", "1e9"])}
    return HttpResponse(dice.choice([200] * 8 + [400, 404, 429, 500, 502, 302]), headers, bytes(raw))


@pytest.mark.parametrize("seed", [17, 18])
async def test_any_answer_is_a_result_or_one_of_our_errors(seed: int, key_pem: str) -> None:
    dice = random.Random(seed)
    key = load_private_key(key_pem)
    other = load_private_key(generate_private_key(2048)).public

    def ph(_: HttpRequest) -> HttpResponse:
        return _mutated(dice, 1000)

    def elsewhere(_: HttpRequest) -> HttpResponse:
        return _mutated(dice, 10_000)

    options: dict[str, Any] = {"retry": Retry(attempts=1), "clock": ManualClock(), "signer": loaded(key_pem)[1]}
    ours = PHCredentials(app_id="A", app_name="B", private_key=key, callback_secret="callback secret")
    theirs = GlobalCredentials(app_id="A", private_key=key, platform_public_key=other)
    async with (
        PayCoolsPH(ours, transport=MemoryTransport(ph), **options) as paycools,
        PayCoolsGlobal(theirs, transport=MemoryTransport(elsewhere), **options) as world,
    ):
        indonesian, thai = GlobalPayouts(world, "ID"), GlobalPayouts(world, "TH")

        async def pages() -> None:
            async for _ in paycools.account.payouts(create_date=date(2026, 3, 2)):
                return

        calls: list[Callable[[], Any]] = [
            lambda: paycools.send(ORDER),
            lambda: paycools.send(QUERY),
            lambda: paycools.payouts.find(mch_order_id="ORDER0000001"),
            lambda: paycools.call("POST", "/api/v1/x", {"a": "b"}),
            PHPayouts(paycools).balance,
            indonesian.balance,
            thai.balance,
            pages,
        ]
        worst = 0.0
        for number in range(COUNT):
            began = time.process_time()
            try:
                await calls[number % len(calls)]()
            except PayCoolsError as error:
                said = str(error)
                assert said.isprintable(), said[:200]
                assert len(said) < 1_000, said[:200]
            worst = max(worst, time.process_time() - began)
        assert worst < SECONDS
