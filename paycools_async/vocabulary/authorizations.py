"""What PayCools says of a customer's agreement to direct debits, and of the token that it gives.

PayCools writes the token as payToken in requests and as paytoken in callbacks; here it is `pay_token` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import attrs

from ..endpoint import Event, Result, result
from .statuses import InactiveType, TokenStatus

__all__ = ["AuthorizationEvent", "AuthorizationLink", "CancelledAuthorization", "DebitToken", "active_among"]


@result
class AuthorizationLink(Result):
    """The page on which a customer authorizes. `user_id` and `request_id` are yours."""

    user_id: str | None = None
    request_id: str | None = None
    channel_code: str | None = None


@result
class DebitToken(Result):
    """A customer's token and whether it may be debited."""

    # the table spells both names in lower case, the sample does not
    pay_token: str | None = attrs.field(default=None, repr=False, metadata={"aliases": ("paytoken",)})
    channel_code: str | None = attrs.field(default=None, metadata={"aliases": ("channelcode",)})
    token_status: TokenStatus | None = None
    expires_time: datetime | None = None
    inactive_time: datetime | None = None
    inactive_type: InactiveType | None = None


T = TypeVar("T", bound=DebitToken)


def active_among(tokens: Iterable[T]) -> list[T]:
    """The tokens that may be debited."""
    return [token for token in tokens if token.token_status is TokenStatus.ACTIVED]


@result
class CancelledAuthorization(Result):
    """An authorization's end, as far as PayCools says; no answer is published, these are the notification's fields."""

    user_id: str | None = None
    pay_token: str | None = attrs.field(default=None, repr=False, metadata={"aliases": ("paytoken",)})
    token_status: TokenStatus | None = None
    inactive_time: datetime | None = None
    inactive_type: InactiveType | None = None


@result
class AuthorizationEvent(Event):
    """A customer authorized, refused to, or ended an authorization."""

    event_name: str
    user_id: str
    request_id: str
    country_code: str | None = None
    pay_token: str | None = attrs.field(
        default=None, repr=False, metadata={"wire": "paytoken", "aliases": ("payToken",)}
    )
    token_status: TokenStatus | None = None
    expires_time: datetime | None = None
    inactive_time: datetime | None = None
    inactive_type: InactiveType | None = None
