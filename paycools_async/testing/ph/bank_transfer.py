"""The fake's bank transfer (6.1 to 6.4): transfer accounts."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal, handles, takes_payments
from ..server.payments import SITE
from .reusable import AccountRecords, AccountSet, lists_payments

__all__ = ["TransferRecords"]


class TransferRecords(AccountRecords):
    """The transfer accounts."""


def _transfer_set(owner: AccountSet) -> dict[str, Any]:
    rows = [
        {
            "mchOrderId": owner.order_id,
            "channelCode": account.channel,
            "guideUrl": SITE + account.number,
            "receivingBank": "AllBank",
            "accountName": "PayCools",
            "accountNumber": account.number,
        }
        for account in owner.accounts.values()
        if account.active
    ]
    return {"paymentAccountList": rows, "shortLink": SITE + owner.order_id}


def _only_insta(fields: dict[str, Any]) -> None:
    if set(fields["channelCode"].split(",")) != {"INSTA_TRANSFER_ACC"}:
        raise Refusal(1011, "merchant channel unavailable")


@handles("ph.bank_transfer.batch_create")
def create_transfer_accounts(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    _only_insta(fields)
    taken = Refusal(1019, "the bank transfer account exist")
    return _transfer_set(merchant.of(TransferRecords).open(merchant, fields, taken, "9"))


@handles("ph.bank_transfer.batch_update")
def update_transfer_accounts(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    _only_insta(fields)
    return _transfer_set(merchant.of(TransferRecords).switch(merchant, fields, "9"))


lists_payments("ph.bank_transfer.payments", TransferRecords)


@takes_payments
async def pay_by_transfer(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    accounts = merchant.of(TransferRecords)
    found = accounts.owner(reference)
    if found is None:
        return None
    owner, account = found
    payment = accounts.receive(merchant, owner, account, amount)
    callback = payment.callback(merchant, "transfer.payment.success", owner.order_id)
    merchant.notify({**callback, "paymentAccount": account.number})
    return payment.row(merchant)
