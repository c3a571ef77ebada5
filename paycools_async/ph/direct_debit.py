"""10. Direct debit: the customer agrees once and gets a token; the merchant debits with it.

No public document gives the paths of the requests for merchants in general: pass them with `paths=`. What is known of
the fields comes from the pages of one tenant (J&T) and from the Global API's page; `extra` carries whatever differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import attrs

from ..countries import PAYOUT_COUNTRIES, PayoutCountryCode
from ..endpoint import PHRequest, Result, callback, endpoint, result
from ..errors import FieldError
from ..fields import EMAIL, URL, choice, code, extra_fields, minor_units, mobile, order_id, text
from ..product import Call, Product
from ..traits import CHANGE, CONSENT, DOCUMENTED, PAYMENT, UNPUBLISHED
from ..vocabulary import authorizations, results
from ..vocabulary.checks import os_type_with_wap
from ..vocabulary.events import PaymentEvent
from ..vocabulary.statuses import InactiveType, TokenStatus, TransactionStatus
from .base import PaymentStatus

__all__ = [
    "AuthorizationChanged",
    "AuthorizationLink",
    "AuthorizationStatus",
    "AuthorizationToken",
    "AuthorizeDirectDebit",
    "CancelAuthorization",
    "CancelledAuthorization",
    "CreateDirectDebit",
    "DirectDebit",
    "DirectDebitReceipt",
    "DirectDebitSettled",
    "DirectDebitStatus",
    "InactiveType",
    "QueryAuthorization",
    "QueryDirectDebit",
    "TokenStatus",
]


# the tenant's pages print 10000 next to failure codes of the 1000 family
SUCCESS = frozenset({1000, 10000})


@result
class AuthorizationLink(authorizations.AuthorizationLink):
    """The page on which the customer authorizes: send them to `auth_url`. Fields inferred."""

    auth_url: str | None = attrs.field(default=None, repr=False)


@endpoint(
    "ph.directdebit.authorize",
    "POST",
    None,
    nav="10.1",
    purpose=CONSENT,
    provenance=UNPUBLISHED,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class AuthorizeDirectDebit(PHRequest[AuthorizationLink]):
    """Create an authorization link (10.1). Unpublished: pass paths={"ph.directdebit.authorize": "/..."}.

    Every field is inferred from the Global API's page. `user_id` is your own id of the customer, `request_id` unique
    per request, both 1 to 32; they come back in the notification (10.4). `os_type` goes with the terminal WAP. Sibling
    pages call `notify_url` callbackUrl: where PayCools tells you so, pass extra={"callbackUrl": "https://..."} instead.
    """

    user_id: str = text(1, 32)
    request_id: str = text(1, 32)
    channel_code: str = code()
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES, default="PH")
    # APP stands on one of the two sibling pages only; the wider list is taken
    terminal_type: Literal["WEB", "WAP", "APP"] = choice("WEB", "WAP", "APP")
    os_type: Literal["IOS", "ANDROID"] | None = choice("IOS", "ANDROID", default=None)
    redirect_url: str = text(1, 512, pattern=URL)
    notify_url: str | None = text(1, 256, pattern=URL, default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _cross_checks(self) -> Iterator[FieldError]:
        yield from os_type_with_wap(self)
        if self.notify_url is None and "callbackUrl" not in self.extra:
            yield FieldError("notify_url", "is required, unless extra holds a callbackUrl")


@result
class AuthorizationToken(authorizations.DebitToken):
    """A customer's token and whether it may be debited. Times are Philippine."""


@result
class AuthorizationStatus(Result):
    """The customer's tokens. `active` are those that may be debited."""

    user_id: str | None = None
    token_list: list[AuthorizationToken] | None = None

    @property
    def active(self) -> list[AuthorizationToken]:
        """The tokens with status ACTIVED."""
        return authorizations.active_among(self.token_list or [])


@endpoint(
    "ph.directdebit.authorization_query",
    "POST",
    None,
    nav="10.2",
    provenance=UNPUBLISHED,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class QueryAuthorization(PHRequest[AuthorizationStatus]):
    """Check a customer's authorization (10.2). Unpublished: pass paths={"ph.directdebit.authorization_query": "/..."}.

    The fields are documented for one tenant (J&T); that its path holds for others is not known. Without `pay_token` all
    tokens of the customer are listed (a reading of the list in the answer).
    """

    user_id: str = text(1)
    pay_token: str | None = text(1, default=None, personal=True)
    extra: dict[str, Any] = extra_fields(factory=dict)


@result
class CancelledAuthorization(authorizations.CancelledAuthorization):
    """PayCools took the cancellation. No field of the answer is known; these are the notification's (10.4)."""


@endpoint(
    "ph.directdebit.authorization_cancel",
    "POST",
    None,
    nav="10.3",
    purpose=CHANGE,
    provenance=UNPUBLISHED,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class CancelAuthorization(PHRequest[CancelledAuthorization]):
    """Cancel an authorization (10.3). Unpublished: pass paths={"ph.directdebit.authorization_cancel": "/..."}.

    Only the method is known; the fields are inferred from 10.2. The notification (10.4) follows with
    token.cancel.success, INACTIVED and MCH_CANCEL.
    """

    user_id: str = text(1)
    pay_token: str = text(1, personal=True)
    extra: dict[str, Any] = extra_fields(factory=dict)


@callback(
    "ph.directdebit.authorization_callback",
    "token.create.success",
    "token.create.failed",
    "token.cancel.success",
    nav="10.4",
    provenance=DOCUMENTED,
)
class AuthorizationChanged(authorizations.AuthorizationEvent):
    """A customer authorized, refused or ended an authorization (10.4). Times are Philippine.

    The body is documented by an example of token.create.success; the other two events are those of the Global API.
    """

    channel_code: str | None = None
    user_login_id: str | None = attrs.field(default=None, repr=False)


@result
class DirectDebitReceipt(results.Receipt):
    """PayCools took the debit. It is not final: inquire by `transaction_id` (10.6) or wait for the callback (10.7)."""

    transaction_status: TransactionStatus | None = None
    channel_type: str | None = None
    channel_code: str | None = None


@endpoint(
    "ph.directdebit.payment_create",
    "POST",
    None,
    nav="10.5",
    purpose=PAYMENT,
    provenance=UNPUBLISHED,
    client_fields=("appName", "timestamp"),
    success_codes=SUCCESS,
)
class CreateDirectDebit(PHRequest[DirectDebitReceipt]):
    """Debit a customer by token (10.5). Unpublished: pass paths={"ph.directdebit.payment_create": "/..."}.

    The fields are documented for one tenant (J&T); that its path holds for others is not known. `mch_order_id`: letters
    and digits, 1 to 32, unique per merchant. `amount`: centavos; no limits are published. `mobile`: 09.., 639.. or
    +639.., sent as 09xxxxxxxxx.

    Raises InvalidParameter, ChannelUnavailable, DuplicateOrder ... and OutcomeUnknown: no inquiry by order id is
    published (10.6 wants PayCools' id), so wait for the callback or look for the order in
    `paycools.account.payments(create_date=...)`; never debit again under another id.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    channel_code: str = code()
    pay_token: str = text(1, personal=True)
    callback_url: str = text(1, 256, pattern=URL)
    customer_name: str | None = text(1, 128, default=None, personal=True)
    email: str | None = text(1, 128, pattern=EMAIL, default=None, personal=True)
    mobile: str | None = mobile(default=None)
    remark: str | None = text(1, 256, default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)


@result
class DirectDebitStatus(PaymentStatus):
    """Where a debit stands. `amount` in centavos; times are Philippine. The sample's SUCCESS reads as COMPLETE."""


@endpoint(
    "ph.directdebit.payment_query",
    "POST",
    None,
    nav="10.6",
    provenance=UNPUBLISHED,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class QueryDirectDebit(PHRequest[DirectDebitStatus]):
    """Check a debit by PayCools' id (10.6). Unpublished: pass paths={"ph.directdebit.payment_query": "/..."}.

    Documented for one tenant (J&T); that its path holds for others is not known. Raises NotFound.
    """

    transaction_id: str = text(1)
    extra: dict[str, Any] = extra_fields(factory=dict)


@callback(
    "ph.directdebit.payment_callback",
    "directdebit.payment.success",
    "directdebit.payment.failed",
    nav="10.7",
    provenance=DOCUMENTED,
)
class DirectDebitSettled(PaymentEvent):
    """A debit became final (10.7). `amount` in centavos; times are Philippine."""


class DirectDebit(Product):
    """Debits that the customer agreed to once. Every request's path is unpublished: see `paths=`."""

    authorize: Final = Call(AuthorizeDirectDebit)
    authorization_query: Final = Call(QueryAuthorization)
    authorization_cancel: Final = Call(CancelAuthorization)
    payment_create: Final = Call(CreateDirectDebit)
    payment_query: Final = Call(QueryDirectDebit)
