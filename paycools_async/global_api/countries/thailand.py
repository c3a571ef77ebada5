"""5. Thailand: payouts, payments and static codes, in satang.

No Thai page of this API is public; its rules come from PayCools' Thai sites, whose paths have no country in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final, Literal

from ...countries import TH_MOBILE, THAILAND, promptpay_doubt
from ...endpoint import callback, endpoint, result
from ...errors import FieldError
from ...fields import account, choice, code, extra_fields, mobile, payee, text
from ...product import Call, Product, Sender
from ...resolving.products import PayoutProduct
from ...traits import ACCOUNT, CREATES, INFERRED, PAYMENT, PAYOUT, UNPUBLISHED
from ..base import (
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
)
from .base import CountryPayment, CountryPayout, OrderInquiry
from .static_codes import StaticCode, StaticCodeInquiry, StaticCodeOrder, StaticPayment, StaticPaymentsInquiry

__all__ = [
    "CreateThaiPayment",
    "CreateThaiPayout",
    "CreateThaiStaticCode",
    "GetThaiStaticCode",
    "GetThaiStaticPayments",
    "QueryThaiPayment",
    "QueryThaiPayout",
    "ThaiPaymentSettled",
    "ThaiPaymentStatus",
    "ThaiPayments",
    "ThaiPayoutReceipt",
    "ThaiPayoutSettled",
    "ThaiPayoutStatus",
    "ThaiPayouts",
    "ThaiStaticCode",
    "ThaiStaticCodes",
    "ThaiStaticPayment",
    "ThaiStaticPaymentSettled",
    "Thailand",
]

# 5.1 Payouts


@result
class ThaiPayoutReceipt(GlobalPayoutReceipt):
    """PayCools took a payout in Thailand; it is not final. `transaction_time` is local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


@result
class ThaiPayoutStatus(GlobalPayoutStatus):
    """Where a payout in Thailand stands. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


_NEEDS = {
    "BANK": ("transfer_code", "account_name", "account_type", "account_tax_id", "mobile"),
    # one Thai site asks nothing of wallets; the two that name EWALLET do
    "EWALLET": ("transfer_code", "account_name"),
    "PROMPTPAY": ("promptpay_account_type",),
}
"""What each method requires besides the fields that all do."""


@endpoint(
    "global.th.payout.create",
    "POST",
    "/open-api/thailand/disbursement/transfer",
    nav="5.1.1",
    country=THAILAND,
    purpose=PAYOUT,
    provenance=INFERRED,
)
class CreateThaiPayout(CountryPayout[ThaiPayoutReceipt]):
    """Create a payout in Thailand (5.1.1). The fields are documented, the path is inferred from two other countries.

    `mch_order_id`: letters and digits, 1 to 32 (10 and more satisfy every page), unique per merchant. `amount`: satang
    (THB 500.20 is 50020); no limits are published. `idempotency_id`: letters and digits, 10 to 32; made from the order
    id if not given. By `pay_method_code`:

    - BANK needs `transfer_code` (the bank; no list is public), `account_name`, `account_type` (INDIVIDUAL or
      ORGANIZATION), `account_tax_id` (number of the id card or the company) and `mobile` (06.., 08.., 09.., also with
      66 or +66 for the 0; sent as 10 digits).
    - EWALLET needs `transfer_code` and `account_name`.
    - PROMPTPAY needs `promptpay_account_type`: NATID (national id) or MSISDN (mobile number). No page says how they
      are written; an `account_no` that is neither 13 digits nor a Thai mobile number is warned of
      (`DoubtfulAccountWarning`).

    The callback goes to the address set with PayCools. Raises InsufficientBalance, DuplicateOrder, InvalidParameter ...
    and OutcomeUnknown: then `await paycools.thailand.payouts.resolve(error.request)`.
    """

    pay_method_code: Literal["BANK", "PROMPTPAY", "EWALLET"] = choice("BANK", "PROMPTPAY", "EWALLET")
    account_no: str = account(50)
    transfer_code: str | None = code(default=None)
    promptpay_account_type: Literal["NATID", "MSISDN"] | None = choice(
        "NATID", "MSISDN", default=None, example="MSISDN"
    )
    account_name: str | None = payee(1, 128, default=None, example="Somchai Jaidee")  # 50 on two of the three sites
    account_type: Literal["INDIVIDUAL", "ORGANIZATION"] | None = choice("INDIVIDUAL", "ORGANIZATION", default=None)
    account_tax_id: str | None = account(50, default=None, example="1234567890123")
    mobile: str | None = mobile(TH_MOBILE, default=None)
    relationship: str | None = text(1, 50, default=None, example="employee")
    remark: str | None = text(1, 256, default=None, example="Wages of November")

    def _doubts(self) -> Iterator[FieldError]:
        doubt = promptpay_doubt(self.promptpay_account_type, self.account_no)
        if doubt is not None and self.pay_method_code == "PROMPTPAY":
            yield FieldError("account_no", doubt)

    def _cross_checks(self) -> Iterator[FieldError]:
        method = self.pay_method_code
        for name in _NEEDS.get(method, ()) if isinstance(method, str) else ():
            if getattr(self, name) is None:
                yield FieldError(name, f"is required when pay_method_code is {method}")


@endpoint(
    "global.th.payout.query",
    "POST",
    "/open-api/thailand/disbursement/check",
    nav="5.1.2",
    country=THAILAND,
    provenance=INFERRED,
)
class QueryThaiPayout(OrderInquiry[ThaiPayoutStatus]):
    """Check a payout's status by order id (5.1.2). The fields are documented, the path is inferred. Raises NotFound."""


@callback(
    "global.th.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="5.1.3",
    country=THAILAND,
    provenance=INFERRED,
)
class ThaiPayoutSettled(PayoutEvent):
    """A payout in Thailand became final (5.1.3). Inferred from a Thai site and the unified page. Satang."""


class ThaiPayouts(PayoutProduct[CreateThaiPayout, ThaiPayoutStatus, ThaiPayoutReceipt]):
    """Money out in Thailand."""

    create: Final = Call(CreateThaiPayout)
    query: Final = Call(QueryThaiPayout)


# 5.2 Payments


@result
class ThaiPaymentStatus(GlobalPaymentStatus):
    """Where a payment in Thailand stands. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


@endpoint(
    "global.th.payment.create",
    "POST",
    "/open-api/thailand/payment/generate",
    nav="5.2.1",
    country=THAILAND,
    effect=CREATES,
    purpose=PAYMENT,
    provenance=INFERRED,
)
class CreateThaiPayment(CountryPayment):
    """Ask a customer in Thailand for one payment (5.2.1). The path is inferred from the other countries.

    `mch_order_id`: letters and digits, 1 to 32, unique per payment. `amount`: satang (THB 500.20 is 50020).
    `channel_code`: no code of Thailand was seen; its sites have TRUEMONEY_URL, WECHAT_URL and WECHAT_JS_URL. `mobile`:
    06.., 08.. or 09.., also with 66 or +66 for the 0; sent as 10 digits. `notify_url` gets the callback.
    `redirect_url`: where the customer returns to; required for channels of the kind URL. Show the customer the
    answer's `pay_data`.

    WeChat needs more, under names that are sure for the Thai sites only: `payer_client_ip` (the device's public
    address, IPv6 too) for WECHAT_URL; `wp_openid` and `wp_appid` for WECHAT_JS_URL. The unified call has an object
    `wechatpay` in their place; `extra` adds it, or any other field.
    """

    mobile: str = mobile(TH_MOBILE)
    # asked for by no rule here: which of the two forms this call takes is not known
    payer_client_ip: str | None = text(1, default=None, personal=True)
    wp_openid: str | None = text(1, default=None, personal=True)
    wp_appid: str | None = text(1, default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)


@endpoint(
    "global.th.payment.query",
    "POST",
    "/open-api/thailand/payment/query",
    nav="5.2.2",
    country=THAILAND,
    provenance=INFERRED,
)
class QueryThaiPayment(OrderInquiry[ThaiPaymentStatus]):
    """Check a payment's status by order id (5.2.2). The path is inferred from the Philippine one. Raises NotFound."""


@callback(
    "global.th.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="5.2.3",
    country=THAILAND,
    provenance=INFERRED,
)
class ThaiPaymentSettled(PaymentEvent):
    """A payment in Thailand became final (5.2.3). Inferred from a Thai site and the Indonesian page. Satang."""


class ThaiPayments(Product):
    """Single payments of customers in Thailand."""

    create: Final = Call(CreateThaiPayment)
    query: Final = Call(QueryThaiPayment)


# 5.3 Static codes; creation is inferred, the rest is unpublished


@result
class ThaiStaticCode(StaticCode):
    """A static code in Thailand. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


@result
class ThaiStaticPayment(StaticPayment):
    """A payment on a static code in Thailand. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = THAILAND.code


@endpoint(
    "global.th.static.create",
    "POST",
    "/open-api/thailand/static/payment/generate",
    nav="5.3.1",
    country=THAILAND,
    purpose=ACCOUNT,
    provenance=INFERRED,
)
class CreateThaiStaticCode(StaticCodeOrder[ThaiStaticCode]):
    """Create a static code that takes many payments (5.3.1). Path and fields are inferred from the Philippine one.

    `channel_code`: no static channel of Thailand was seen. `notify_url` gets a callback for every payment. `mobile`:
    06.., 08.. or 09.., also with 66 or +66 for the 0. `pay_mode` stands in that example alone ("WEB").
    """

    mobile: str = mobile(TH_MOBILE)


@endpoint("global.th.static.detail", "POST", None, nav="5.3.2", country=THAILAND, provenance=UNPUBLISHED)
class GetThaiStaticCode(StaticCodeInquiry[ThaiStaticCode]):
    """Get a static code (5.3.2). Unpublished: pass paths={"global.th.static.detail": "/..."}.

    Its fields are inferred from creation; `extra` adds others.
    """


@endpoint("global.th.static.payments", "POST", None, nav="5.3.3", country=THAILAND, provenance=UNPUBLISHED)
class GetThaiStaticPayments(StaticPaymentsInquiry[list[ThaiStaticPayment]]):
    """The payments that a static code received (5.3.3). Unpublished: pass paths={"global.th.static.payments": "/..."}.

    Its fields are those of relatives, which require both days (yyyy-MM-dd); `extra` adds others.
    """


@callback(
    "global.th.static.notification",
    "static.order.payment.success",
    "static.order.payment.failed",
    nav="5.3.4",
    country=THAILAND,
    provenance=INFERRED,
)
class ThaiStaticPaymentSettled(PaymentEvent):
    """A payment on a static code in Thailand became final (5.3.4). Inferred from the Philippine one. Satang."""


class ThaiStaticCodes(Product):
    """Static codes in Thailand; no call to cancel one is in the navigation."""

    create: Final = Call(CreateThaiStaticCode)
    detail: Final = Call(GetThaiStaticCode)
    payments: Final = Call(GetThaiStaticPayments)


class Thailand:
    """Thailand: `.payouts`, `.payments` and `.static` codes."""

    def __init__(self, client: Sender) -> None:
        self.payouts: ThaiPayouts = ThaiPayouts(client)
        self.payments: ThaiPayments = ThaiPayments(client)
        self.static: ThaiStaticCodes = ThaiStaticCodes(client)
