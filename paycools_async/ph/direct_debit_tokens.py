"""10.1 to 10.4: a customer's standing agreement to direct debits, and the token it gives.

PayCools writes the token as payToken in requests and as paytoken in callbacks; here it is `pay_token` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ..countries import PAYOUT_COUNTRIES
from ..endpoint import PHRequest, Result, callback, endpoint, result
from ..errors import FieldError
from ..fields import URL, choice, code, extra_fields, text
from ..traits import CHANGE, CONSENT, DOCUMENTED, UNPUBLISHED
from ..vocabulary import authorizations
from ..vocabulary.checks import os_type_with_wap
from ..vocabulary.statuses import InactiveType, TokenStatus

__all__ = [
    "SUCCESS",
    "AuthorizationChanged",
    "AuthorizationLink",
    "AuthorizationStatus",
    "AuthorizationToken",
    "AuthorizeDirectDebit",
    "CancelAuthorization",
    "CancelledAuthorization",
    "InactiveType",
    "QueryAuthorization",
    "TokenStatus",
]

# the tenant's pages print 10000 next to failure codes of the 1000 family
SUCCESS = frozenset({1000, 10000})


@result
class AuthorizationLink(Result):
    """The page on which the customer authorizes: send them to `auth_url`. Fields inferred from the twin."""

    auth_url: str | None = attrs.field(default=None, repr=False)
    user_id: str | None = None
    request_id: str | None = None
    channel_code: str | None = None


@endpoint(
    "ph.directdebit.authorize",
    "POST",
    None,
    nav="10.1",
    purpose=CONSENT,
    provenance=UNPUBLISHED,
    client_fields=("timestamp",),
)
class AuthorizeDirectDebit(PHRequest[AuthorizationLink]):
    """Create an authorization link (10.1). Unpublished: pass paths={"ph.directdebit.authorize": "/..."}.

    Every field is inferred from the Global API's twin. `user_id` is your own id of the customer, `request_id` unique
    per request, both 1 to 32; they come back in the notification (10.4). `os_type` goes with the terminal WAP. Sibling
    pages call `notify_url` callbackUrl: where PayCools tells you so, pass extra={"callbackUrl": "https://..."} instead.
    """

    user_id: str = text(1, 32)
    request_id: str = text(1, 32)
    channel_code: str = code()
    country_code: str = choice(*PAYOUT_COUNTRIES, default="PH")
    # APP stands in one of the two twins only; the wider list is taken
    terminal_type: str = choice("WEB", "WAP", "APP")
    os_type: str | None = choice("IOS", "ANDROID", default=None)
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

    user_login_id: str | None = attrs.field(default=None, repr=False)
