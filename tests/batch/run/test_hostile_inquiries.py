"""Whatever an inquiry answers: the run goes on, runs again, pays nobody twice, and the report can be written."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.batch import Plan, WriteOrders, rows

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.batch import Ledger, Options, PHPayouts, Runner, State
from paycools_async.batch.report.write import write_report
from paycools_async.testing import FakePayCools

NUMBERS = ["9" * 39, "-" + "9" * 39, "1e30", "1e31", "1e9999999999999999999999", "0.5", "9" * 5_000, '"1e30"', "true"]
TEXTS = ['"' + "x" * 60_000 + '"', '"\\u0000\\ud800\\n=1+1\\u202e"', '"=HYPERLINK(1)"', "9" * 39, "{}", "[[]]"]


@pytest.mark.parametrize("status", ["COMPLETE", "FAILED", "PENDING", "\\u0000"])
async def test_no_value_of_an_inquiry_ends_a_run(
    status: str, ledger: Ledger, fake: FakePayCools, plan: Plan, write_orders: WriteOrders, tmp_path: Path
) -> None:
    cases = [("amount", value) for value in NUMBERS]
    cases += [(name, text) for name in ("transactionId", "failedMessage", "createTime", "mchOrderId") for text in TEXTS]
    cases += [("failedCode", value) for value in NUMBERS]
    sent: dict[str, int] = {}

    def handle(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            order = json.loads(request.body or b"")["mchOrderId"]
            sent[order] = sent.get(order, 0) + 1
            return HttpResponse(502, {}, b"")
        order = parse_qs(urlsplit(request.url).query)["mchOrderId"][0]
        name, value = cases[int(order.removeprefix("CASE"))]
        data = {"mchOrderId": f'"{order}"', "transactionId": '"D1"', "transactionStatus": f'"{status}"'}
        members = {**data, "amount": "50010", name: value}
        text = ", ".join(f'"{name}": {value}' for name, value in members.items())
        return HttpResponse(200, {}, f'{{"code": 1000, "data": {{{text}}}}}'.encode())

    orders = [[f"CASE{n:06}", *rows(1)[0][1:]] for n in range(len(cases))]
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(handle), clock=fake.clock) as client:
        await plan(write_orders(lines=orders))
        for _ in range(2):
            options = Options(concurrency=5, wait=3, breaker=None)
            summary = await Runner(PHPayouts(client), ledger, options, clock=fake.clock).run()
            assert summary.stopped in (None, "nothing moved forward for 3 seconds")
    assert set(sent.values()) == {1}
    counts = await ledger.counts()
    assert sum(found for found, _ in counts.values()) == len(cases)
    assert State.PLANNED not in counts
    await write_report(ledger, tmp_path / "out")
    with (tmp_path / "out" / "payouts.csv").open(newline="") as file:
        found = list(csv.reader(file))
    assert len(found) == len(cases) + 1
    assert all(cell.isprintable() and cell[:1] not in ("=", "+", "-", "@") for cell in itertools.chain(*found))
    assert (tmp_path / "out" / "report.html").stat().st_size < 60_000
