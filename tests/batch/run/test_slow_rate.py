"""A batch that may send little a second, by the real clock."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.batch import WriteOrders, release_all

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.batch import Options, PHPayouts, Runner, SQLiteLedger, State, read_orders
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools


@pytest.mark.process
async def test_inquiries_do_not_wait_behind_what_may_not_be_sent_yet(
    key: PrivateKey, tmp_path: Path, write_orders: WriteOrders
) -> None:
    """All 30 orders are in hand at once, and the last may leave after three seconds."""
    fake = FakePayCools(private_key=key)
    answer = fake.transport().send
    sent: dict[str, float] = {}
    waited: list[float] = []

    async def note(request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            sent[json.loads(request.body or b"")["mchOrderId"]] = time.monotonic()
        else:
            order_id = parse_qs(urlsplit(request.url).query)["mchOrderId"][0]
            waited.append(time.monotonic() - sent[order_id])
        return await answer(request)

    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(note)) as client:
        api = PHPayouts(client)
        ledger = await SQLiteLedger.open(tmp_path / "ledger.db", api.identity)
        await ledger.intake(read_orders(write_orders(30), api.request_class, api.currency), api.text_of)
        await release_all(ledger)
        summary = await Runner(api, ledger, Options(concurrency=15, rate=10.0, first_inquiry_after=0.05)).run()
        await ledger.aclose()
    assert (summary.rows(State.SETTLED), len(waited)) == (30, 30)
    assert max(waited) < 1.0
