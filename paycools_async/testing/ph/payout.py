"""The fake's balance and payouts (2.1 to 3.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs

from ..server.merchant import Books, Fate, Refusal, plays

__all__ = ["FakePayout", "PayoutBooks"]

PAGE = 50


@attrs.frozen(kw_only=True)
class FakePayout:
    """Money that left (or, FAILED, came back)."""

    order_id: str
    idempotency_id: str
    transaction_id: str
    amount: int
    channel: str
    remark: str | None
    created: float
    settles: float
    status: str
    failed_code: int | None = None
    failed_message: str | None = None


def _magic(fields: dict[str, Any]) -> Fate:
    """Accounts that end in 0000 fail, as a way to see a failure in the sandbox."""
    if str(fields["accountNo"]).endswith("0000"):
        return "FAILED", -10005, "Transaction Destination Account Error"
    return "COMPLETE", None, None


@attrs.define
class PayoutBooks:
    """Every payout ever booked, in order. `decide` chooses how a payout ends; `settle_after` seconds later it does.

    `inquiry_lag`: seconds until a payout is found by inquiry. `journal`: a file that keeps the books over restarts.
    """

    kind: ClassVar[type[FakePayout]] = FakePayout
    paid: list[FakePayout] = attrs.field(factory=list)
    by_order: dict[str, FakePayout] = attrs.field(factory=dict)
    by_idempotency: dict[str, FakePayout] = attrs.field(factory=dict)
    decide: Callable[[dict[str, Any]], Fate] = _magic
    settle_after: float = 0.0
    inquiry_lag: float = 0.0
    journal: Path | None = None
    spent: int = 0
    """Centavos gone; a payout that will fail takes nothing."""

    def open_journal(self, path: Path) -> None:
        """Take up the books of an earlier run, and keep them from now on."""
        self.journal = path
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                if line.endswith("}"):  # a line cut off by a kill is a payout that was never answered
                    self._enter(self.kind(**json.loads(line)))

    def book(self, payout: FakePayout) -> None:
        """Take the payout in, into the journal first where there is one."""
        if self.journal is not None:
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(attrs.asdict(payout)) + "\n")
        self._enter(payout)

    def _enter(self, payout: FakePayout) -> None:
        self.paid.append(payout)
        self.by_order[payout.order_id] = payout
        self.by_idempotency[payout.idempotency_id] = payout
        self.spent += payout.amount if payout.status != "FAILED" else 0

    def paid_more_than_once(self) -> list[str]:
        """Order ids for which money left more than once."""
        seen: dict[str, int] = {}
        for payout in self.paid:
            if payout.status != "FAILED":
                seen[payout.order_id] = seen.get(payout.order_id, 0) + 1
        return [order_id for order_id, times in seen.items() if times > 1]


@plays("ph.account.balance")
def balance(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return {"balance": books.balance - books.of(PayoutBooks).spent}


@plays("ph.payout.create")
def create(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payouts = books.of(PayoutBooks)
    if fields.get("payMethodCode") == "BANK" and not fields.get("bankCode"):
        raise Refusal(1010, "request bank name invalid")
    if fields.get("payMethodCode") == "EWALLET" and not fields.get("ewalletCode"):
        raise Refusal(1016, "request ewallet name invalid")
    if books.enforce_unique:
        if fields["mchOrderId"] in payouts.by_order:
            raise Refusal(1012, "merchant order id is repeat")
        if fields["idempotencyId"] in payouts.by_idempotency:
            raise Refusal(1014, "merchant payout idempoteny repeat")
    now = books.clock.time()
    if fields["amount"] > books.balance - payouts.spent:
        raise Refusal(1006, "merchant balance insufficient")
    status, failed_code, failed_message = payouts.decide(fields)
    payout = FakePayout(
        order_id=fields["mchOrderId"],
        idempotency_id=fields["idempotencyId"],
        transaction_id=books.new_id("D"),
        amount=fields["amount"],
        channel=str(fields.get("bankCode") or fields.get("ewalletCode") or "SCANQR"),
        remark=fields.get("remark"),
        created=now,
        settles=now + payouts.settle_after,
        status=status,
        failed_code=failed_code,
        failed_message=failed_message,
    )
    payouts.book(payout)
    books.notify(_callback(books, payout), at=payout.settles)
    return {
        "transactionId": payout.transaction_id,
        "transactionStatus": "PENDING",
        "transactionTime": books.when(now),
    }


def _callback(books: Books, payout: FakePayout) -> dict[str, Any]:
    failed = payout.status == "FAILED"
    return {
        "amount": payout.amount,
        "createTime": books.when(payout.created),
        "eventName": "disbursement.failed" if failed else "disbursement.success",
        "failedCode": payout.failed_code,
        "failedMessage": payout.failed_message,
        "mchOrderId": payout.order_id,
        "remark": payout.remark,
        "returnTime": books.when(payout.settles),
        "transactionId": payout.transaction_id,
        "transactionStatus": payout.status,
    }


@plays("ph.payout.query")
def query(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payouts = books.of(PayoutBooks)
    payout = payouts.by_order.get(fields["mchOrderId"])
    now = books.clock.time()
    if payout is None or now < payout.created + payouts.inquiry_lag:
        raise Refusal(1008, "Transaction Not Found")
    final = now >= payout.settles
    return {
        "mchOrderId": payout.order_id,
        "transactionId": payout.transaction_id,
        "amount": payout.amount,
        "transactionStatus": payout.status if final else "PENDING",
        "createTime": books.when(payout.created),
        "returnTime": books.when(payout.settles) if final else None,
        "remark": payout.remark,
        "failedCode": str(payout.failed_code) if final and payout.failed_code is not None else None,
        "failedMessage": payout.failed_message if final else None,
    }


@plays("ph.account.payout_statement")
def payout_statement(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    now = books.clock.time()
    rows = []
    for payout in books.of(PayoutBooks).paid:
        final = now >= payout.settles
        status = payout.status if final else "PENDING"
        created, completed = books.when(payout.created), books.when(payout.settles) if final else None
        if fields.get("createDate") and not created.startswith(fields["createDate"]):
            continue
        if fields.get("completeDate") and not (completed or "").startswith(fields["completeDate"]):
            continue
        if fields.get("status") not in (None, status):
            continue
        rows.append(
            {
                "merchantOrderId": payout.order_id,
                "transactionId": payout.transaction_id,
                "amount": payout.amount / 100,
                "fee": 0.0,
                "remittingBank": "Union Bank",
                "remittingAccount": "915****5678",
                "recipientName": "J*** C***",
                "recipientAccount": "091****6789",
                "receivingChannel": payout.channel,
                "status": status,
                "createTime": created,
                "completeTime": completed,
            }
        )
    page = int(fields["page"])
    return {"records": rows[(page - 1) * PAGE : page * PAGE] if page > 0 else []}


@plays("ph.account.payment_statement")
def payment_statement(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return {"records": []}
