"""6. Bank transfer: accounts that a customer pays into from any bank, as often as he likes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from ..endpoint import Result, callback, endpoint, result
from ..enums import OpenEnum
from ..fields import EMAIL, codes, text
from ..product import Call, Product
from ..traits import CHANGE, DOCUMENTED, TRANSFER_ACCOUNT
from ..vocabulary.events import PaymentEvent
from .static_accounts import AccountsOrder, ChannelsUpdate, PaymentsOfDays, StaticAccount

__all__ = [
    "BankTransfers",
    "CreateTransferAccounts",
    "GetTransferPayments",
    "TransferAccount",
    "TransferAccountSet",
    "TransferChannel",
    "TransferReceived",
    "UpdateTransferAccounts",
]


class TransferChannel(OpenEnum):
    """The channels of transfer accounts."""

    INSTA = "INSTA_TRANSFER_ACC"
    """An account at AllBank; the page of 6.1 says that no other channel is supported yet."""


@result
class TransferAccount(StaticAccount):
    """An account to pay into. `guide_url` is PayCools' page with instructions for this channel."""

    account_number: str = attrs.field(repr=False)
    receiving_bank: str | None = None
    account_name: str | None = None
    """PayCools' own name in the examples, not the customer's."""


@result
class TransferAccountSet(Result):
    """The accounts of one `mch_order_id`, one a channel. `short_link` is the page to guide the payer."""

    payment_account_list: list[TransferAccount]
    short_link: str | None = None


@endpoint(
    "ph.bank_transfer.batch_create",
    "POST",
    "/api/v1/batch/paymentAccount",
    nav="6.1",
    purpose=TRANSFER_ACCOUNT,
    provenance=DOCUMENTED,
)
class CreateTransferAccounts(AccountsOrder[TransferAccountSet]):
    """Create transfer accounts for a customer or bill (6.1). Documented, but that it is a POST is inferred from 6.2.

    `mch_order_id`: letters and digits, 1 to 32; it stands for one customer or bill, not for one payment.
    `channel_code`: codes in a list or joined by commas (`TransferChannel`). `customer_name`: first, middle (may be left
    out) and last name. `min_amount`, `max_amount`: the limits of a payment, in centavos (inferred). `mobile`: 09..,
    639.. or +639.., sent as 09xxxxxxxxx. `expire_time`: a day, yyyy-MM-dd; without it the accounts never expire.

    Raises AlreadyExists (1019), ChannelUnavailable (1011) and OutcomeUnknown: then the same request may be sent again;
    AlreadyExists tells that the first got through, and `update` with the same channels returns the accounts.
    """

    channel_code: str | Sequence[str] = codes()
    email: str | None = text(1, 50, pattern=EMAIL, default=None, personal=True)


@endpoint(
    "ph.bank_transfer.batch_update",
    "POST",
    "/api/v1/batch/paymentAccount/{mchOrderId}/update",
    nav="6.2",
    purpose=CHANGE,
    provenance=DOCUMENTED,
)
class UpdateTransferAccounts(ChannelsUpdate[TransferAccountSet]):
    """Set the channels of a customer's transfer accounts (6.2). Documented.

    `channel_code`: codes in a list or joined by commas. `mch_order_id` stands in the path; by default it is not signed
    (inferred; see `sign_path_parameters` of the client). Raises NotFound.
    """


@endpoint(
    "ph.bank_transfer.payments", "GET", "/api/v1/paymentAccount/{mchOrderId}/payments", nav="6.3", provenance=DOCUMENTED
)
class GetTransferPayments(PaymentsOfDays):
    """The payments that came in on a customer's transfer accounts (6.3); all at once. Documented.

    Days are Philippine, yyyy-MM-dd. `channel_code`: one code, or several in a list or joined by commas. `mch_order_id`
    stands in the path; by default it is not signed (inferred).
    """

    channel_code: str | Sequence[str] | None = codes(default=None)


@callback("ph.bank_transfer.callback", "transfer.payment.success", nav="6.4", provenance=DOCUMENTED)
class TransferReceived(PaymentEvent):
    """A customer's transfer arrived (6.4); there is no event for failures. Documented.

    `transaction_id` is unique to the payment: one account receives many. `amount` in centavos. `payment_account` is the
    account number that was paid into. Times are Philippine.
    """

    payment_account: str | None = attrs.field(default=None, repr=False)


class BankTransfers(Product):
    """Transfer accounts."""

    batch_create: Final = Call(CreateTransferAccounts)
    update: Final = Call(UpdateTransferAccounts)
    payments: Final = Call(GetTransferPayments)
