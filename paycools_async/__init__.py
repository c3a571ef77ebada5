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
    from .transports import AiohttpTransport

__version__ = VERSION

__all__ = [
    "AiohttpTransport",
    "AsyncSigner",
    "Balance",
    "CreatePayout",
    "Effect",
    "Endpoint",
    "Environment",
    "Exchange",
    "GetBalance",
    "GetPaymentStatement",
    "GetPayoutStatement",
    "GlobalCredentials",
    "HttpRequest",
    "HttpResponse",
    "MemoryTransport",
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


def __getattr__(name: str) -> Any:
    if name == "AiohttpTransport":  # imports aiohttp, which a program that only verifies callbacks never needs
        from .transports import AiohttpTransport

        return AiohttpTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
