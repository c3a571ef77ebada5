"""The asyncio SDK for the PayCools payment API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base_client import VERSION
from .client import PayCoolsGlobal, PayCoolsPH
from .config import Environment, GlobalCredentials, PHCredentials
from .endpoint import Effect, Endpoint, Provenance, endpoints
from .engine import Exchange
from .enums import TransactionStatus
from .errors import *  # noqa: F403
from .errors import __all__ as _errors
from .ph.account import Balance, GetBalance, GetPaymentStatement, GetPayoutStatement, PaymentRecord, PayoutRecord
from .ph.payout import CreatePayout, PayoutReceipt, PayoutSettled, PayoutStatus, QueryPayout
from .policy import Pace, Retry
from .signing import AsyncSigner, Signer, load_private_key, load_public_key
from .transports import HttpRequest, HttpResponse, MemoryTransport, Transport

if TYPE_CHECKING:
    from .callbacks import CallbackError, CallbackInbox, CallbackRouter, GlobalCallbacks, PHCallbacks
    from .transports import AiohttpTransport

__version__ = VERSION

__all__ = [
    "AiohttpTransport",
    "AsyncSigner",
    "Balance",
    "CallbackError",
    "CallbackInbox",
    "CallbackRouter",
    "CreatePayout",
    "Effect",
    "Endpoint",
    "Environment",
    "Exchange",
    "GetBalance",
    "GetPaymentStatement",
    "GetPayoutStatement",
    "GlobalCallbacks",
    "GlobalCredentials",
    "HttpRequest",
    "HttpResponse",
    "MemoryTransport",
    "PHCallbacks",
    "PHCredentials",
    "Pace",
    "PayCoolsGlobal",
    "PayCoolsPH",
    "PaymentRecord",
    "PayoutReceipt",
    "PayoutRecord",
    "PayoutSettled",
    "PayoutStatus",
    "Provenance",
    "QueryPayout",
    "Retry",
    "Signer",
    "TransactionStatus",
    "Transport",
    "__version__",
    "endpoints",
    "load_private_key",
    "load_public_key",
]
__all__ += _errors  # pyright: ignore[reportUnsupportedDunderAll]


_CALLBACKS = frozenset({"CallbackError", "CallbackInbox", "CallbackRouter", "GlobalCallbacks", "PHCallbacks"})


def __getattr__(name: str) -> Any:
    # what not every program needs is loaded when it is asked for
    if name == "AiohttpTransport":
        from .transports import AiohttpTransport

        return AiohttpTransport
    if name in _CALLBACKS:
        from . import callbacks

        return getattr(callbacks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
