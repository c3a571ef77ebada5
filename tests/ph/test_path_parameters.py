"""Order ids that stand in the path: bills, QR codes and transfer accounts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from paycools_async import HttpRequest, HttpResponse, MemoryTransport, PayCoolsPH
from paycools_async.ph.bank_transfer import GetTransferPayments, UpdateTransferAccounts
from paycools_async.ph.bills import BillsChannel, GetBillsPayments, UpdateStaticVA
from paycools_async.ph.qrcode import GetQRPayments
from paycools_async.testing import FakePayCools

TODAY = {"start_date": "2026-01-01", "end_date": "2026-01-01"}  # the manual clock starts at 08:00 Philippine time


class Recorder:
    """Signs nothing and keeps the texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def sign(self, text: bytes) -> bytes:
        self.texts.append(text.decode())
        return b"signature"


IN_PATH = [
    (
        UpdateStaticVA(mch_order_id="JUAN0001", channel_code=BillsChannel.GCASH),
        "/api/v1/batch/paymentCode/JUAN0001/update",
        "channelCode=GCASH_STATIC_VA",
    ),
    (
        GetBillsPayments(mch_order_id="JUAN0001", **TODAY),
        "/api/v1/paymentCode/JUAN0001/payments",
        "endDate=2026-01-01",
    ),
    (
        GetQRPayments(mch_order_id="JUAN0001", **TODAY),
        "/api/v1/qrcode/JUAN0001/payments",
        "endDate=2026-01-01",
    ),
    (
        UpdateTransferAccounts(mch_order_id="JUAN0001", channel_code="INSTA_TRANSFER_ACC"),
        "/api/v1/batch/paymentAccount/JUAN0001/update",
        "channelCode=INSTA_TRANSFER_ACC",
    ),
    (
        GetTransferPayments(mch_order_id="JUAN0001", **TODAY),
        "/api/v1/paymentAccount/JUAN0001/payments",
        "endDate=2026-01-01",
    ),
]


@pytest.mark.parametrize(("request_", "path", "part"), IN_PATH, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("signed", [False, True])
async def test_trap_path_parameters_stand_in_the_path_and_are_signed_only_on_demand(
    fake: FakePayCools, request_: Any, path: str, part: str, signed: bool
) -> None:
    seen: list[HttpRequest] = []
    is_list = request_.__endpoint__.method == "GET"
    data = [] if is_list else {"paymentVaList": [], "paymentAccountList": []}

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(200, {}, json.dumps({"code": 1000, "message": "success", "data": data}).encode())

    signer = Recorder()
    async with PayCoolsPH(
        fake.ph_credentials, transport=MemoryTransport(answer), signer=signer, sign_path_parameters=signed
    ) as paycools:
        await paycools.send(request_)
    (sent,), (text,) = seen, signer.texts
    url, _, query = sent.url.partition("?")
    assert url == "https://api-uat.paycools.com" + path
    assert "mchOrderId" not in (query if is_list else (sent.body or b"").decode())
    assert part in text.split("&")
    assert ("mchOrderId=JUAN0001" in text.split("&")) is signed
