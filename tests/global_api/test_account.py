"""1. Account: a balance in major units, and a report that is fetched whole or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import support.global_samples as samples
from aiohttp import web

from paycools_async import DeadlineExceeded, InvalidRequest, PayCoolsGlobal, TransportError, UnexpectedAnswer
from paycools_async.converters import structure
from paycools_async.global_api import CountryBalance, GetCountryBalance, GetReportLink, ReportFile, ReportLink
from paycools_async.testing import FakePayCools
from paycools_async.testing.global_api.account import ReportLinks

REPORT = bytes(range(256)) * 1024
"""256 KiB"""
DAY: dict[str, Any] = {"country_code": "TH", "trans_date": "2023-12-25", "trans_type": 2}


async def test_a_balance_is_a_decimal_of_major_units(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.balances.update(PH=1_000_050, ID=10_000)
    assert (await paycools.account.balance(country_code="PH")).balance == Decimal("10000.50")
    assert (await paycools.account.balance(country_code="ID")).balance == Decimal("10000.00"), "whole rupiah"


async def test_a_payout_lowers_the_balance_of_its_country_alone(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.balances.update(PH=100_000, MY=100_000)
    await paycools.philippines.payouts.create(
        mch_order_id="ORDER1",
        amount=50_010,
        pay_method_code="BANK",
        transfer_code="BDO",
        account_no="1",
        account_name="Juan",
    )
    assert (await paycools.account.balance(country_code="PH")).balance == Decimal("499.90")
    assert (await paycools.account.balance(country_code="MY")).balance == Decimal("1000.00")


def test_the_documented_balance_parses() -> None:
    balance = samples.parsed({"balance": "10000.00"}, CountryBalance)
    assert balance.balance == Decimal("10000.00")
    assert str(balance.balance) == "10000.00"


@pytest.mark.parametrize("other", [{"balance": 439369947}, {"balance": "3688"}])
def test_a_white_labels_integer_is_not_converted(other: dict[str, Any]) -> None:
    assert structure(other, CountryBalance).balance == Decimal(other["balance"])


def test_the_documented_requests_are_made_again() -> None:
    samples.recreated(json.loads('{"countryCode":"PH","timestamp":"1682264649"}'), GetCountryBalance)
    request = samples.recreated(
        json.loads('{"countryCode":"TH","transDate":"2023-12-25","transType":2}'), GetReportLink
    )
    assert request == GetReportLink(country_code="TH", trans_date=date(2023, 12, 25), trans_type=2)  # type: ignore[arg-type]


def test_what_a_report_needs() -> None:
    with pytest.raises(InvalidRequest) as caught:
        GetReportLink(country_code="SG", trans_date="2023-13-01", trans_type=3)
    assert [error.field for error in caught.value.errors] == ["country_code", "trans_date", "trans_type"]


def test_a_link_is_not_shown() -> None:
    link = samples.parsed({"downloadUrl": "https://calf.oss.example/a.xlsx?Expires=1&Signature=x"}, ReportLink)
    assert "Signature" not in repr(link)


# --- fetching the file ------------------------------------------------------------------------------------------------

Serve = Callable[[web.Request], Any]


@pytest.fixture
async def serve(fake: FakePayCools) -> AsyncIterator[Callable[[Serve], None]]:
    """Sets what the report's link leads to, on this machine."""
    chosen: list[Serve] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await chosen[-1](request)
        return answer

    app = web.Application()
    app.router.add_get("/{name}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    reports = fake.global_merchant.of(ReportLinks)
    reports.link = lambda fields: f"http://127.0.0.1:{port}/{fields['transDate']}.xlsx?Expires=1&Signature=a%2Fb"
    yield chosen.append
    await runner.cleanup()


async def whole(request: web.Request) -> web.Response:
    assert request.raw_path == "/2023-12-25.xlsx?Expires=1&Signature=a%2Fb", "a signed link is used as it came"
    return web.Response(body=REPORT)


async def test_a_report_is_streamed_to_a_file(paycools: PayCoolsGlobal, serve: Any, tmp_path: Path) -> None:
    serve(whole)
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "report.xlsx"
    path.write_bytes(b"yesterday's")
    fetched = await paycools.account.download_report(path, **DAY, progress=lambda *step: seen.append(step))
    assert fetched == ReportFile(path, len(REPORT))
    assert path.read_bytes() == REPORT
    assert seen[-1] == (len(REPORT), len(REPORT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 1
    assert list(tmp_path.iterdir()) == [path]


async def cut_off(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": str(len(REPORT))})
    await answer.prepare(request)
    await answer.write(REPORT[:1000])
    assert request.transport is not None
    request.transport.close()
    return answer


async def redirect(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "https://elsewhere.example/"})


async def expired(request: web.Request) -> web.Response:
    return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    try:
        while True:
            await answer.write(REPORT)
    except ConnectionError:
        return answer


@pytest.mark.parametrize(
    ("serves", "message"),
    [
        (cut_off, "the report from 127.0.0.1 was cut off after"),
        (redirect, "HTTP 302 from 127.0.0.1 instead of the report"),
        (expired, "HTTP 403 from 127.0.0.1 instead of the report"),
        (endless, "the report from 127.0.0.1 is larger than 300000 bytes"),
    ],
)
async def test_a_file_comes_whole_or_not_at_all(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path, serves: Serve, message: str
) -> None:
    serve(serves)
    path = tmp_path / "report.xlsx"
    path.write_bytes(b"yesterday's")
    with pytest.raises(UnexpectedAnswer, match=message) as caught:
        await paycools.account.download_report(path, **DAY, max_bytes=300_000)
    assert "Signature" not in str(caught.value)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("report.xlsx", b"yesterday's")]


async def test_a_size_that_is_announced_too_large_is_not_waited_for(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path
) -> None:
    serve(whole)
    with pytest.raises(UnexpectedAnswer, match="is larger than 1000 bytes"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY, max_bytes=1000)
    assert list(tmp_path.iterdir()) == []


async def test_a_report_that_does_not_come_in_time(paycools: PayCoolsGlobal, serve: Any, tmp_path: Path) -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    serve(never)
    with pytest.raises(DeadlineExceeded, match=r"did not arrive in 0.05 seconds"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY, within=0.05)
    assert list(tmp_path.iterdir()) == []


async def test_nobody_there_is_a_transport_error_without_the_link(
    paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path
) -> None:
    fake.global_merchant.of(ReportLinks).link = lambda fields: "http://127.0.0.1:1/a.xlsx?Signature=secret"
    with pytest.raises(TransportError) as caught:
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "link",
    [
        "http://reports.example/a.xlsx",
        "ftp://127.0.0.1/a.xlsx",
        "file:///etc/passwd",
        "https://user@reports.example/a",
        "https://reports.example:x/a",
        "reports.example",
        "",
    ],
)
async def test_only_https_is_followed(paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path, link: str) -> None:
    fake.global_merchant.of(ReportLinks).link = lambda fields: link
    with pytest.raises(UnexpectedAnswer, match="the report's link is no https link; it was not followed"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert list(tmp_path.iterdir()) == []
