"""Every row of the fault table in a batch: the first sending meets it, whether PayCools entered the order or not."""

from __future__ import annotations

import csv
import ssl
import warnings
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from support.batch import release_all
from support.fault_calls import MOVE, ORDER, a_client, closed_port
from support.fault_table import TRIED, Family, Fault
from support.faulty_paycools import FaultyPayCools

from paycools_async.batch import GlobalPayouts, Options, PHPayouts, Runner, SQLiteLedger, read_orders
from paycools_async.signing import PrivateKey
from paycools_async.testing import ManualClock

CASES = [(fault, enters) for fault in TRIED for enters in (True, False) if not (enters and fault.cells.booked == "-")]


@pytest.mark.parametrize("family", ["ph", "global"])
@pytest.mark.parametrize(
    ("fault", "enters"), CASES, ids=[f"{fault.name}-{'booked' if enters else 'not booked'}" for fault, enters in CASES]
)
async def test_a_payout(
    fault: Fault,
    enters: bool,
    family: Family,
    key: PrivateKey,
    platform_key: Any,
    serving: ssl.SSLContext,
    tmp_path: Path,
) -> None:
    file = tmp_path / "orders.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        fields: dict[str, Any] = dict(MOVE[family])
        fields = {"mch_order_id": ORDER, "amount_minor": fields.pop("amount"), **fields}
        csv.writer(opened).writerows([fields.keys(), fields.values()])
    clock = ManualClock()
    tls = serving if fault.place == "untrusted certificate" else None
    paycools = FaultyPayCools(family, fault, faulty="first", enters=enters, tls=tls)
    async with paycools.server as server:
        url = closed_port() if fault.place == "closed port" else server.url
        async with a_client(family, url, key, platform_key, fault, clock) as client:
            api: Any = PHPayouts(client) if family == "ph" else GlobalPayouts(client, "ID")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if fault.used:
                    await api.inquire("ANOTHER00001")
                opened_ledger = await SQLiteLedger.open(tmp_path / "ledger.db", api.identity, clock=clock.time)
                async with aclosing(opened_ledger) as ledger:
                    await ledger.intake(read_orders(file, api.request_class, api.currency), api.text_of)
                    await release_all(ledger)
                    await Runner(api, ledger, Options(concurrency=1, breaker=None), clock=clock).run()
                    row = await ledger.get(ORDER)
    assert row is not None
    paid = paycools.books.get(ORDER, 0)
    assert paid <= 1, "nobody is paid twice"
    seen = row.state.value + (", paid once" if paid and row.state.value == "settled" else "")
    assert seen == (fault.cells.booked if enters else fault.cells.lost)
    if row.state.value == "failed":
        assert not paid
