"""A payout's work without signature and network, written by hand: checked, joined, JSON both ways, a typed result.

It is what the SDK's own instructions are measured against: only what this one payout needs, in one function each.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["Receipt", "global_payout", "ph_payout"]

SignText = Callable[[bytes], Awaitable[bytes]]
Post = Callable[[str, bytes], Awaitable[bytes]]

_ORDER_ID = re.compile("[A-Za-z0-9]{1,32}")
_IDEMPOTENCY_ID = re.compile("[A-Za-z0-9]{10,30}")
_NAME = re.compile(r"[A-Za-z '.\-]{1,30}")
_ACCOUNT = re.compile("[0-9]{1,40}")
_CODE = re.compile("[A-Za-z0-9_]{1,40}")
_PH_MOBILE = re.compile("09[0-9]{9}")
_ID_MOBILE = re.compile("08[0-9]{8,11}")
_REMARK = re.compile("[ -~]{1,200}")
_MANILA = timezone(timedelta(hours=8))
_JAKARTA = timezone(timedelta(hours=7))


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What PayCools answers to a payout."""

    transaction_id: str
    mch_order_id: str | None
    transaction_status: str | None
    transaction_time: datetime | None


def _check(params: dict[str, Any], patterns: dict[str, re.Pattern[str]], least: int, most: int) -> None:
    for name, pattern in patterns.items():
        value = params[name]
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise ValueError(f"{name} is not of the documented form")
    amount = params["amount"]
    if not isinstance(amount, int) or isinstance(amount, bool) or not least <= amount <= most:
        raise ValueError("amount is out of bounds")


def _receipt(body: bytes, success: int, order_id: str, zone: timezone) -> Receipt:
    answer = json.loads(body)
    if answer["code"] != success:
        raise RuntimeError(answer["message"])
    data = answer["data"]
    theirs = data.get("mchOrderId")
    if theirs is not None and theirs != order_id:
        raise RuntimeError("the answer is about another order")
    at = data.get("transactionTime")
    return Receipt(
        transaction_id=str(data["transactionId"]),
        mch_order_id=theirs,
        transaction_status=data.get("transactionStatus"),
        transaction_time=datetime.fromisoformat(at).replace(tzinfo=zone) if at else None,
    )


_PH = {
    "mchOrderId": _ORDER_ID,
    "idempotencyId": _IDEMPOTENCY_ID,
    "accountNo": _PH_MOBILE,
    "accountName": _NAME,
    "ewalletCode": _CODE,
    "remark": _REMARK,
}


async def ph_payout(sign: SignText, post: Post, order_id: str, fields: dict[str, Any]) -> Receipt:
    """One payout of the PH API to an e-wallet."""
    params = {
        "appId": "benchmark",
        "appName": "Benchmark Merchant",
        "mchOrderId": order_id,
        "idempotencyId": order_id,
        "amount": fields["amount"],
        "payMethodCode": fields["pay_method_code"],
        "ewalletCode": fields["ewallet_code"],
        "accountNo": fields["account_no"],
        "accountName": fields["account_name"],
        "remark": fields["remark"],
    }
    _check(params, _PH, 100, 500_000_000)
    if params["payMethodCode"] not in ("BANK", "EWALLET", "SCANQR"):
        raise ValueError("payMethodCode is none of the documented ones")
    text = "&".join(f"{name}={params[name]}" for name in sorted(params) if params[name] not in (None, ""))
    params["sign"] = base64.b64encode(await sign(text.encode())).decode()
    answer = await post("/api/v1/payout", json.dumps(params).encode())
    return _receipt(answer, 1000, order_id, _MANILA)


_GLOBAL = {
    "mchOrderId": _ORDER_ID,
    "idempotencyId": _IDEMPOTENCY_ID,
    "accountNo": _ACCOUNT,
    "accountName": _NAME,
    "mobile": _ID_MOBILE,
    "transferCode": _CODE,
    "remark": _REMARK,
}


async def global_payout(sign: SignText, post: Post, order_id: str, fields: dict[str, Any]) -> Receipt:
    """One payout of the Global API to a bank in Indonesia."""
    params = {
        "timestamp": int(time.time() * 1000),
        "mchOrderId": order_id,
        "idempotencyId": order_id,
        "amount": fields["amount"],
        "accountNo": fields["account_no"],
        "accountName": fields["account_name"],
        "mobile": fields["mobile"],
        "payMethodCode": fields["pay_method_code"],
        "transferCode": fields["transfer_code"],
        "remark": fields["remark"],
    }
    _check(params, _GLOBAL, 10_000, 2_000_000_000)
    if params["payMethodCode"] not in ("BANK", "EWALLET"):
        raise ValueError("payMethodCode is none of the documented ones")
    param = json.dumps(params)
    signature = base64.b64encode(await sign(param.encode())).decode()
    body = json.dumps({"appId": "benchmark", "param": param, "sign": signature})
    answer = await post("/open-api/indonesia/disbursement/transfer", body.encode())
    return _receipt(answer, 10000, order_id, _JAKARTA)
