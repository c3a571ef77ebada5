"""The products of the Global API, in the order of PayCools' navigation; the unified calls come last."""

# the order of these imports is the order of `paycools_async.endpoints()`
# ruff: noqa: I001, F403
from . import (
    account,
    philippines,
    indonesia,
    malaysia,
    thailand,
    russia,
    static_codes,
    static_twins,
    refunds,
    direct_debit,
    unified,
    unified_checkout,
    unified_parts,
    unified_payments,
    unified_payouts,
)
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
    ChannelType,
    FailedCode,
    GlobalPaymentReceipt,
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
)

__all__ = [
    "ChannelType",
    "FailedCode",
    "GlobalPaymentReceipt",
    "GlobalPaymentStatus",
    "GlobalPayoutReceipt",
    "GlobalPayoutStatus",
    "PaymentEvent",
    "PayoutEvent",
]
__all__ += account.__all__
__all__ += philippines.__all__
__all__ += indonesia.__all__
__all__ += malaysia.__all__
__all__ += thailand.__all__
__all__ += russia.__all__
__all__ += static_codes.__all__
__all__ += static_twins.__all__
__all__ += refunds.__all__
__all__ += direct_debit.__all__
__all__ += unified.__all__
__all__ += unified_checkout.__all__
__all__ += unified_parts.__all__
__all__ += unified_payments.__all__
__all__ += unified_payouts.__all__
