"""The products of the Global API, in the order of PayCools' navigation; the unified calls come last."""

# ruff: noqa: I001, F403

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily

MODULES = (
    "account",
    "philippines",
    "indonesia",
    "malaysia",
    "thailand",
    "russia",
    "static_codes",
    "static_twins",
    "refunds",
    "direct_debit",
    "unified",
    "unified_checkout",
    "unified_parts",
    "unified_payments",
    "unified_payouts",
)
"""Their order is that of `paycools_async.endpoints()`. Each is imported when a name of it is asked for."""

if TYPE_CHECKING:
    from .account import *
    from .philippines import *
    from .indonesia import *
    from .malaysia import *
    from .thailand import *
    from .russia import *
    from .static_codes import *
    from .static_twins import *
    from .refunds import *
    from .direct_debit import *
    from .unified import *
    from .unified_checkout import *
    from .unified_parts import *
    from .unified_payments import *
    from .unified_payouts import *
    from .common import (
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
            "common": (
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
