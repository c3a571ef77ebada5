"""The products of the PH API, one file each, in the order of PayCools' navigation."""

# ruff: noqa: I001, F403

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily

MODULES = (
    "account",
    "payout",
    "bills",
    "qrcode",
    "bank_transfer",
    "web_payment",
    "refund",
    "checkout",
    "direct_debit",
    "ekyc",
    "cpm",
    "codes",
    "static_accounts",
)
"""Their order is that of `paycools_async.endpoints()`. Each is imported when a name of it is asked for."""

if TYPE_CHECKING:
    from .account import *
    from .payout import *
    from .bills import *
    from .qrcode import *
    from .bank_transfer import *
    from .web_payment import *
    from .refund import *
    from .checkout import *
    from .direct_debit import *
    from .ekyc import *
    from .cpm import *
    from .codes import *
    from .static_accounts import *
else:
    __getattr__, __dir__ = lazily(__name__, MODULES)
