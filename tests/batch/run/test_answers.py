"""Two hundred answers to a payout that PayCools has booked all the same: none of them makes it fail.

The handler here is a PayCools of its own: it books the order, then answers whatever the case says.
"""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support.batch import Plan, WriteOrders, rows
from support.size import some

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.batch import Ledger, Options, PHPayouts, Runner, State
from paycools_async.testing import FakePayCools

REFUSALS = {1007, 1009, 1010, 1011, 1015, 1016}
"""PayCools' "API General Code": what is wrong with the order itself. Final where PayCools does not have the order."""
HOLDS = {1001, 1002, 1003, 1004, 1005, 1006}
"""The merchant is refused, or its balance is too low: the order waits."""
DUPLICATES = {1012, 1014}
DOCUMENTED = [*range(1000, 1021), *range(1501, 1517)]
UNDOCUMENTED = [-1, 0, 1, 2, 99, 200, 201, 404, 500, 999, 1021, 1022, 1100, 1514, 1517, 2000, 9999, 10000, 10001]
UNDOCUMENTED += [21000, 21001, 21005, 21007, 21008, 21014, 21401, 21500, 21504, 99999, 2**31, 2**63, 10**30]
UNDOCUMENTED += range(1023, 1053)
ODD_CODES = ["1e9", "1.0", '"1009"', '"1009 "', '" 1000"', '"ok"', "null", "true", "[]", "{}", "1e99999999999999999999"]
ODD_BODIES = [b"", b"null", b"[]", b'"text"', b"{", b"<html></html>", b'{"code": 1000', b"\xff\xfe", b'{"code": NaN}']
STATUSES = [100, 201, 202, 204, 206, 301, 302, 307, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504]

Case = tuple[str, HttpResponse, int | None]


def _says(code: Any, status: int = 200) -> HttpResponse:
    body = f'{{"code": {code}, "message": "whatever", "data": null}}'
    return HttpResponse(status, {"Content-Type": "application/json"}, body.encode())


def cases() -> list[Case]:
    found: list[Case] = [(f"code {code}", _says(code), code) for code in [*DOCUMENTED, *UNDOCUMENTED]]
    found += [(f"odd code {code}", _says(code), 1009 if code == '"1009"' else None) for code in ODD_CODES]
    found += [(f"body {body!r}", HttpResponse(200, {}, body), None) for body in ODD_BODIES]
    for status, code in itertools.product(STATUSES, (1000, 1006, 1009, 1012)):
        found.append((f"HTTP {status} with {code}", _says(code, status), None))
    return found


def test_there_are_two_hundred_of_them() -> None:
    assert len(cases()) >= 200


async def test_no_answer_makes_a_booked_payout_fail_or_be_paid_again(
    ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders
) -> None:
    booked: dict[str, dict[str, Any]] = {}
    answers: list[HttpResponse] = []

    def handle(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            fields = json.loads(request.body or b"")
            booked.setdefault(fields["mchOrderId"], {**fields, "times": 0})["times"] += 1
            return answers[0]
        order = booked.get(parse_qs(urlsplit(request.url).query)["mchOrderId"][0])
        if order is None:
            return _says(1008)
        data = {"mchOrderId": order["mchOrderId"], "transactionId": "D1", "transactionStatus": "COMPLETE"}
        return HttpResponse(200, {}, json.dumps({"code": 1000, "data": {**data, "amount": order["amount"]}}).encode())

    wrong = []
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(handle), clock=fake.clock) as client:
        api = PHPayouts(client)
        for number, (name, answer, code) in enumerate(some(cases(), 60)):
            order = f"CASE{number:06}"
            answers[:] = [answer]
            await plan(write_orders(lines=[[order, *rows(1)[0][1:]]]))
            only = ledger.of_batches([number + 1])
            await Runner(api, only, Options(concurrency=1, wait=0.2, breaker=None), clock=fake.clock).run()
            row = await ledger.get(order)
            assert row is not None
            if code in HOLDS:
                expected = {State.PLANNED}
                await ledger.withdraw(by="tests", order_id=order)
            elif code in DUPLICATES:
                expected = {State.PREEXISTING, State.UNKNOWN}
            else:
                expected = {State.SETTLED, State.UNKNOWN}
            if row.state not in expected or booked[order]["times"] != 1:
                wrong.append(f"{name}: {row.state.value}, booked {booked[order]['times']} times")
    assert wrong == []


@pytest.mark.parametrize("code", [*sorted(REFUSALS), 9999])
async def test_a_written_refusal_and_no_other_code_fails_a_payout_that_was_not_booked(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, code: int
) -> None:
    fake.faults.busy(code, rate=1.0, only="ph.payout.create")
    await plan(write_orders(2))
    summary = await Runner(api, ledger, Options(wait=5), clock=fake.clock).run()
    assert summary.rows(State.FAILED if code in REFUSALS else State.UNKNOWN) == 2


@pytest.mark.parametrize("code", [0, 1008, 9999, 10000, 21500])
async def test_a_doubted_payout_settles_when_it_is_shown(
    api: PHPayouts, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, code: int
) -> None:
    fake.faults.busy(code, rate=1.0, only="ph.payout.create", processed=True)
    await plan(write_orders(3))
    summary = await Runner(api, ledger, Options(), clock=fake.clock).run()
    assert (summary.rows(State.SETTLED), summary.exit_code) == (3, 0)
