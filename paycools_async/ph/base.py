"""What several products of the PH API share."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeVar

import attrs

from ..endpoint import PHRequest, Result, result
from ..vocabulary.statuses import TransactionStatus

__all__ = ["AppRequest", "PaymentStatus"]

R = TypeVar("R")


class AppRequest(PHRequest[R]):
    """A request that names the app, too: the client fills in the registered `appName`."""

    __slots__ = ()
    __client_fields__: ClassVar[tuple[str, ...]] = ("appName",)


@result
class PaymentStatus(Result):
    """Where a payment stands that is known by PayCools' id. `amount` in centavos; times are Philippine."""

    transaction_id: str
    transaction_status: TransactionStatus
    mch_order_id: str | None = None
    amount: int | None = None
    create_time: datetime | None = None
    return_time: datetime | None = None
    app_name: str | None = None
    channel_code: str | None = None
    customer_name: str | None = attrs.field(default=None, repr=False)
    email: str | None = attrs.field(default=None, repr=False)
    mobile: str | None = attrs.field(default=None, repr=False)
    remark: str | None = None
    callback_url: str | None = None
