"""Direct debit in the Global API: a customer's agreement, the token it gives, and payments by it.

PayCools writes the token as payToken in requests and as paytoken in notifications; here it is `pay_token` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any, Final, Literal

import attrs

from ..countries import PAYOUT_COUNTRIES, PayoutCountryCode
from ..endpoint import GlobalRequest, callback, endpoint, result
from ..errors import FieldError
from ..fields import URL, choice, code, extra_fields, text
from ..product import Call
from ..times import MANILA
from ..traits import CHANGE, CONSENT, DOCUMENTED, INFERRED, UNPUBLISHED
from ..vocabulary import authorizations
from ..vocabulary.checks import os_type_with_wap
from ..vocabulary.statuses import InactiveType, TokenStatus
from .base import GlobalEvent, GlobalResult, PaymentEvent
from .unified.payments import CreateUnifiedPayment, OrderedPayments, UnifiedPaymentReceipt

__all__ = [
    "AuthorizeGlobalDebit",
    "CancelGlobalAuthorization",
    "CancelledGlobalAuthorization",
    "GlobalAuthorization",
    "GlobalAuthorizationChanged",
    "GlobalAuthorizationLink",
    "GlobalDebitSettled",
    "GlobalDebitToken",
    "GlobalDirectDebit",
    "InactiveType",
    "QueryGlobalAuthorization",
    "TokenStatus",
]


class _OneClock:
    """Token times are read by one clock: only the notification names a country, and the token is the same."""

    __slots__ = ()

    @classmethod
    def _zone(cls, raw: Any) -> tzinfo:
        return MANILA


@result
class GlobalAuthorizationLink(GlobalResult, authorizations.AuthorizationLink):
    """The page on which the customer authorizes: send them to `auth_url`. Fields from the PH API's page."""

    auth_url: str = attrs.field(repr=False)


@endpoint(
    "global.directdebit.authorize",
    "POST",
    "/open-api/direct/debit/token/apply",
    nav="dd.1",
    purpose=CONSENT,
    provenance=DOCUMENTED,
)
class AuthorizeGlobalDebit(GlobalRequest[GlobalAuthorizationLink]):
    """Create an authorization link (dd.1). Documented.

    `user_id` is your own id of the customer, `request_id` unique per request, both 1 to 32; they come back in the
    notification (dd.6), which goes to `notify_url`. `channel_code`: PH_GCASH_DIRECT_DEBIT is the only one seen.
    `os_type` goes with the terminal WAP.
    """

    user_id: str = text(1, 32)
    request_id: str = text(1, 32)
    channel_code: str = code()
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)
    # APP stands on the sibling page only; the wider list is taken
    terminal_type: Literal["WEB", "WAP", "APP"] = choice("WEB", "WAP", "APP")
    os_type: Literal["IOS", "ANDROID"] | None = choice("IOS", "ANDROID", default=None)
    notify_url: str = text(1, 256, pattern=URL)
    redirect_url: str = text(1, 512, pattern=URL)

    def _cross_checks(self) -> Iterator[FieldError]:
        yield from os_type_with_wap(self)


@result
class GlobalDebitToken(_OneClock, GlobalResult, authorizations.DebitToken):
    """A customer's token and whether it may be debited. Times are taken as UTC+8 (inferred)."""


@result
class GlobalAuthorization(GlobalResult):
    """The customer's tokens. `active` are those that may be debited."""

    user_id: str | None = attrs.field(default=None, metadata={"aliases": ("userID",)})
    token_list: list[GlobalDebitToken] = attrs.field(factory=list)

    @property
    def active(self) -> list[GlobalDebitToken]:
        """The tokens that may be debited."""
        return authorizations.active_among(self.token_list)


@endpoint(
    "global.directdebit.authorization_query",
    "POST",
    "/open-api/direct/debit/token/query",
    nav="dd.2",
    provenance=DOCUMENTED,
)
class QueryGlobalAuthorization(GlobalRequest[GlobalAuthorization]):
    """A customer's tokens, or one of them (dd.2). Documented on a Thai edition; `country_code` by a signed sample."""

    user_id: str = text(1, 32)
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)
    pay_token: str | None = text(1, default=None, personal=True)


@result
class CancelledGlobalAuthorization(_OneClock, GlobalResult, authorizations.CancelledAuthorization):
    """The authorization's end, as far as PayCools says; no answer is published."""


@endpoint("global.directdebit.authorization_cancel", "POST", None, nav="dd.3", purpose=CHANGE, provenance=UNPUBLISHED)
class CancelGlobalAuthorization(GlobalRequest[CancelledGlobalAuthorization]):
    """End a customer's authorization (dd.3). Unpublished: pass paths={"global.directdebit.authorization_cancel": ...}.

    The fields are inferred from its siblings; further ones go into `extra`. The notification that follows is
    documented: token.cancel.success with MCH_CANCEL.
    """

    user_id: str = text(1, 32)
    pay_token: str = text(1, personal=True)
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)
    extra: dict[str, Any] = extra_fields(factory=dict)


@callback(
    "global.directdebit.authorization_notification",
    "token.create.success",
    "token.create.failed",
    "token.cancel.success",
    nav="dd.6",
    provenance=DOCUMENTED,
)
class GlobalAuthorizationChanged(_OneClock, GlobalEvent, authorizations.AuthorizationEvent):
    """A customer authorized, failed to, or ended it (dd.6). Documented. Times are taken as UTC+8 (inferred)."""

    channel_code: str


@callback(
    "global.directdebit.payment_notification",
    "direct.debit.success",
    "direct.debit.failed",
    nav="dd.7",
    provenance=INFERRED,
)
class GlobalDebitSettled(PaymentEvent):
    """A direct debit became final (dd.7). Inferred: these names are those of a Thai edition.

    A debit ordered by the unified call is more likely told as `UnifiedPaymentSettled` (order.payment.success); handle
    both. `amount` in minor units (whole rupiah in Indonesia).
    """


class GlobalDirectDebit(OrderedPayments):
    """Agreements, tokens, and payments by them."""

    authorize: Final = Call(AuthorizeGlobalDebit)
    authorization: Final = Call(QueryGlobalAuthorization)
    cancel: Final = Call(CancelGlobalAuthorization)

    async def pay(
        self,
        *,
        mch_order_id: str,
        amount: int,
        country_code: PayoutCountryCode,
        channel_code: str,
        pay_token: str,
        notify_url: str,
        remark: str | None = None,
    ) -> UnifiedPaymentReceipt:
        """Take money from a customer by their token: the unified payment (u.3.1) with the type DIRECT_DEBIT.

        `amount` in minor units (whole rupiah in Indonesia). Not final: inquire by `query`, or wait for the
        notification at `notify_url`. Raises OutcomeUnknown: then `await paycools.direct_debit.resolve(error.request)`.
        """
        order = CreateUnifiedPayment(
            mch_order_id=mch_order_id,
            amount=amount,
            country_code=country_code,
            channel_type="DIRECT_DEBIT",
            channel_code=channel_code,
            pay_token=pay_token,
            notify_url=notify_url,
            remark=remark,
        )
        receipt: UnifiedPaymentReceipt = await self._client.send(order)
        return receipt
