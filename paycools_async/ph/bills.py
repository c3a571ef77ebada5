"""4. Bills payment: static virtual accounts (VAs) that a customer pays to again and again."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import attrs

from ..endpoint import Event, PHRequest, Result, callback, endpoint, result
from ..enums import OpenEnum
from ..errors import FieldError
from ..fields import EMAIL, code, codes, extra_fields, order_id, text
from ..product import Call, Product
from ..traits import ACCOUNT, CHANGE, DOCUMENTED, OBSERVED, UNPUBLISHED
from ..vocabulary.events import MoneyEvent
from .static_accounts import AccountsOrder, ChannelsUpdate, PaymentsOfDays, StaticAccount

__all__ = [
    "BatchCreateStaticVA",
    "Bills",
    "BillsChannel",
    "BillsPaymentReceived",
    "BillsPaymentVerification",
    "CancelStaticVA",
    "CashierShortUrl",
    "CreateStaticVA",
    "GetBillsPayments",
    "GetCashierShortUrl",
    "StaticVA",
    "StaticVASet",
    "UpdateStaticVA",
    "VAStatus",
    "VerificationCode",
]


class BillsChannel(OpenEnum):
    """Where a static VA can be paid. The list is what the documents' examples show; PayCools publishes no full one."""

    GCASH = "GCASH_STATIC_VA"
    """GCash."""
    PAYMAYA = "PAYMAYA_STATIC_VA"
    """Maya, once PayMaya."""
    SEVEN_ELEVEN = "7ELEVEN_STATIC_VA"
    """7-Eleven."""
    M_LHUILLIER = "MLH_STATIC_VA"
    """M Lhuillier (an integrator's label)."""
    RDP = "RDP_STATIC_VA"
    """"RD" in an integrator's app; no document spells it out."""


class VAStatus(OpenEnum):
    """Whether a virtual account takes payments."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    """Cancelled."""


@result
class StaticVA(StaticAccount):
    """One virtual account: `reference_number` is what the customer pays to at `biller`.

    `guide_url` is PayCools' page with instructions for this channel. `status` comes with a cancellation (4.7) only.
    """

    # the documents say referenceNumber; one integrator's copy of the answer says referenceNumber2
    reference_number: str = attrs.field(metadata={"aliases": ("referenceNumber2",)})
    biller: str | None = None
    status: VAStatus | None = None


@result
class StaticVASet(Result):
    """The virtual accounts of one `mch_order_id`, one a channel. `short_link` is one page of instructions for all."""

    payment_va_list: list[StaticVA]
    short_link: str | None = None


@endpoint("ph.bills.create", "POST", "/api/v1/paymentCode", nav="4.1", purpose=ACCOUNT, provenance=DOCUMENTED)
class CreateStaticVA(AccountsOrder[StaticVA]):
    """Create a static virtual account for one channel (4.1). Documented.

    `mch_order_id`: letters and digits, 1 to 32; it stands for one customer or one bill, not for one payment.
    `channel_code`: one code (`BillsChannel`); for several use `batch_create`. `customer_name`: first, middle (may be
    left out) and last name. `min_amount`, `max_amount`: the limits of a payment, in centavos (inferred: the page gives
    no unit). `mobile`: 09.., 639.. or +639.., sent as 09xxxxxxxxx. `expire_time`: a day, yyyy-MM-dd; without it the
    account never expires.

    Raises AlreadyExists (1017), ChannelUnavailable (1011) and OutcomeUnknown: then the same request may be sent again;
    AlreadyExists tells that the first got through, and `update` with the same channel returns the account.
    """

    channel_code: str = code()
    email: str = text(1, 50, pattern=EMAIL, personal=True)

    def _cross_checks(self) -> Iterator[FieldError]:
        if isinstance(self.channel_code, str) and "," in self.channel_code:
            yield FieldError("channel_code", "one code only; several are for batch_create")
        yield from super()._cross_checks()


@endpoint(
    "ph.bills.batch_create", "POST", "/api/v1/batch/paymentCode", nav="4.2", purpose=ACCOUNT, provenance=DOCUMENTED
)
class BatchCreateStaticVA(AccountsOrder[StaticVASet]):
    """Create static virtual accounts for several channels at once (4.2). Documented.

    `channel_code`: codes in a list, or a text joined by commas, which is how they travel. The rest is as in 4.1.
    Of the answer, `reference_number` and `biller` are inferred from 4.3, which returns the same object.
    """

    channel_code: str | Sequence[str] = codes()
    email: str = text(1, 50, pattern=EMAIL, personal=True)


@endpoint(
    "ph.bills.update",
    "POST",
    "/api/v1/batch/paymentCode/{mchOrderId}/update",
    nav="4.3",
    purpose=CHANGE,
    provenance=DOCUMENTED,
)
class UpdateStaticVA(ChannelsUpdate[StaticVASet]):
    """Set the channels of a set of virtual accounts (4.3). Documented.

    Only the list of channels can change, in a list or joined by commas. `mch_order_id` stands in the path; by default
    it is not signed (inferred; see `sign_path_parameters` of the client).
    """


@result
class CashierShortUrl(Result):
    """The payment page of a set of virtual accounts. That the field is `shortLink` is inferred from 4.2."""

    short_link: str | None = None


@endpoint("ph.bills.cashier_short_url", "POST", None, nav="4.4", provenance=UNPUBLISHED)
class GetCashierShortUrl(PHRequest[CashierShortUrl]):
    """Get the short link of a set's payment page (4.4). Unpublished: pass paths={"ph.bills.cashier_short_url": "/..."}.

    PayCools does not recommend it: `batch_create` and `update` return `short_link` already. `mch_order_id` is inferred;
    further fields go into `extra`, under their wire names.
    """

    mch_order_id: str = order_id()
    extra: dict[str, Any] = extra_fields(factory=dict)


@endpoint("ph.bills.payments", "GET", "/api/v1/paymentCode/{mchOrderId}/payments", nav="4.5", provenance=OBSERVED)
class GetBillsPayments(PaymentsOfDays):
    """The payments that a set of virtual accounts received (4.5); all at once, there are no pages.

    The path and the answer were observed with an integrator; the days and `channel_code` are inferred from 5.3 and 6.3.
    Days are Philippine, yyyy-MM-dd. `channel_code`: one code, or several in a list or joined by commas.
    """

    channel_code: str | Sequence[str] | None = codes(default=None)


class VerificationCode(enum.IntEnum):
    """What a merchant may answer to `BillsPaymentVerification`, as `{"code": ..., "msg": ...}`.

    Mind: 1000, which means success everywhere else in this API, is a refusal here.
    """

    ACCEPT = 2000
    """PayCools may collect this payment."""
    REFUSE = 1000
    """No, without a reason."""
    REFUSE_PARAMETER = 1001
    """No: for example an unknown reference number."""
    REFUSE_AMOUNT = 1002
    """No: the amount is beyond a limit."""

    @property
    def msg(self) -> str:
        """The documented text; it is free, but for ACCEPT."""
        return _VERIFICATION_TEXTS[self]


_VERIFICATION_TEXTS = {
    VerificationCode.ACCEPT: "Success",
    VerificationCode.REFUSE: "Failed",
    VerificationCode.REFUSE_PARAMETER: "The reference number do not exist",
    VerificationCode.REFUSE_AMOUNT: "The amount exceed limit",
}


@callback("ph.bills.verification", "payment.verification", nav="4.6", provenance=DOCUMENTED)
class BillsPaymentVerification(Event):
    """PayCools asks whether it may take a payment on a virtual account (4.6). Nothing is paid yet. Documented.

    The answer decides: `VerificationCode`. `amount` in centavos (inferred). `mobile` is the payer's and often empty.
    It comes to the same address as the payment's callback (4.8).
    """

    is_question = True

    event_name: str
    mch_order_id: str
    reference_number: str
    amount: int
    mobile: str | None = attrs.field(default=None, repr=False)
    create_time: datetime | None = None


@endpoint("ph.bills.cancel", "POST", "/api/v1/paymentCode/cancel", nav="4.7", purpose=CHANGE, provenance=DOCUMENTED)
class CancelStaticVA(PHRequest[StaticVASet]):
    """Cancel all virtual accounts of a `mch_order_id` (4.7); single channels cannot be cancelled. Documented.

    Each row of the answer has a `status`. Raises NotFound.
    """

    mch_order_id: str = order_id()


@callback("ph.bills.callback", "payment.success", nav="4.8", provenance=OBSERVED)
class BillsPaymentReceived(MoneyEvent):
    """A virtual account received a payment (4.8); there is no event for failures. Observed with an integrator.

    `transaction_id` is unique to the payment: one account receives many. `amount` in centavos (inferred).
    `payment_code` is the reference number the customer paid to. How `code_mch_order_id` differs from `mch_order_id` is
    not documented. Times are Philippine.
    """

    channel_code: str | None = None
    code_mch_order_id: str | None = None
    # white-label and Indonesian editions of this callback call it referenceNumber
    payment_code: str | None = attrs.field(default=None, metadata={"aliases": ("referenceNumber",)})


class Bills(Product):
    """Static virtual accounts."""

    create: Final = Call(CreateStaticVA)
    batch_create: Final = Call(BatchCreateStaticVA)
    update: Final = Call(UpdateStaticVA)
    cashier_short_url: Final = Call(GetCashierShortUrl)
    payments: Final = Call(GetBillsPayments)
    cancel: Final = Call(CancelStaticVA)
