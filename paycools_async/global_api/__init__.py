"""The products of the Global API, in the order of PayCools' navigation; the unified calls come last."""

# ruff: noqa: I001, F403

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily

MODULES = (
    "account",
    "countries.philippines",
    "countries.indonesia",
    "countries.malaysia",
    "countries.thailand",
    "countries.russia",
    "countries.static_codes",
    "refunds",
    "direct_debit",
    "unified.product",
    "unified.checkout",
    "unified.parts",
    "unified.payments",
    "unified.payouts",
)
"""Their order is that of `paycools_async.endpoints()`. Each is imported when a name of it is asked for."""

if TYPE_CHECKING:
    from .account import *
    from .countries.philippines import *
    from .countries.indonesia import *
    from .countries.malaysia import *
    from .countries.thailand import *
    from .countries.russia import *
    from .countries.static_codes import *
    from .refunds import *
    from .direct_debit import *
    from .unified.product import *
    from .unified.checkout import *
    from .unified.parts import *
    from .unified.payments import *
    from .unified.payouts import *
    from .base import (
        ChannelType as ChannelType,
        FailedCode as FailedCode,
        GlobalPaymentReceipt as GlobalPaymentReceipt,
        GlobalPaymentStatus as GlobalPaymentStatus,
        GlobalPayoutReceipt as GlobalPayoutReceipt,
        GlobalPayoutStatus as GlobalPayoutStatus,
        PaymentEvent as PaymentEvent,
        PayoutEvent as PayoutEvent,
    )
else:
    __getattr__, __dir__ = lazily(
        __name__,
        MODULES,
        {
            "base": (
                "ChannelType",
                "FailedCode",
                "GlobalPaymentReceipt",
                "GlobalPaymentStatus",
                "GlobalPayoutReceipt",
                "GlobalPayoutStatus",
                "PaymentEvent",
                "PayoutEvent",
            )
        },
    )
