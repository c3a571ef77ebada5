"""The asyncio SDK for the PayCools payment API. Each name is loaded when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazily

if TYPE_CHECKING:
    from . import batch as batch
    from . import callbacks as callbacks
    from . import durable as durable
    from . import global_api as global_api
    from . import ph as ph
    from . import signing as signing
    from . import testing as testing
    from . import transports as transports
    from .callbacks import CallbackError as CallbackError
    from .callbacks import CallbackInbox as CallbackInbox
    from .callbacks import CallbackRouter as CallbackRouter
    from .callbacks import GlobalCallbacks as GlobalCallbacks
    from .callbacks import PHCallbacks as PHCallbacks
    from .client import PayCoolsGlobal as PayCoolsGlobal
    from .client import PayCoolsPH as PayCoolsPH
    from .config import Environment as Environment
    from .config import GlobalCredentials as GlobalCredentials
    from .config import PHCredentials as PHCredentials
    from .endpoint import Effect as Effect
    from .endpoint import Endpoint as Endpoint
    from .endpoint import Provenance as Provenance
    from .endpoint import Purpose as Purpose
    from .engine import Exchange as Exchange
    from .errors import *  # noqa: F403
    from .in_doubt import InDoubt as InDoubt
    from .jsonable import to_dict as to_dict
    from .ph.account import Balance as Balance
    from .ph.account import GetBalance as GetBalance
    from .ph.account import GetPaymentStatement as GetPaymentStatement
    from .ph.account import GetPayoutStatement as GetPayoutStatement
    from .ph.account import PaymentRecord as PaymentRecord
    from .ph.account import PayoutRecord as PayoutRecord
    from .ph.payout import CreatePayout as CreatePayout
    from .ph.payout import PayoutReceipt as PayoutReceipt
    from .ph.payout import PayoutSettled as PayoutSettled
    from .ph.payout import PayoutStatus as PayoutStatus
    from .ph.payout import QueryPayout as QueryPayout
    from .policy import Pace as Pace
    from .policy import Retry as Retry
    from .registry import endpoints as endpoints
    from .signing import AsyncSigner as AsyncSigner
    from .signing import Signer as Signer
    from .signing import load_private_key as load_private_key
    from .signing import load_public_key as load_public_key
    from .transports import AiohttpTransport as AiohttpTransport
    from .transports import HttpRequest as HttpRequest
    from .transports import HttpResponse as HttpResponse
    from .transports import MemoryTransport as MemoryTransport
    from .transports import Transport as Transport
    from .version import __version__ as __version__
    from .vocabulary.statuses import TransactionStatus as TransactionStatus
else:
    _NAMES = {  # by module
        "callbacks": ("CallbackError", "CallbackInbox", "CallbackRouter", "GlobalCallbacks", "PHCallbacks"),
        "client": ("PayCoolsGlobal", "PayCoolsPH"),
        "config": ("Environment", "GlobalCredentials", "PHCredentials"),
        "endpoint": ("Effect", "Endpoint", "Provenance", "Purpose"),
        "engine": ("Exchange",),
        "in_doubt": ("InDoubt",),
        "jsonable": ("to_dict",),
        "ph.account": (
            "Balance",
            "GetBalance",
            "GetPaymentStatement",
            "GetPayoutStatement",
            "PaymentRecord",
            "PayoutRecord",
        ),
        "ph.payout": ("CreatePayout", "PayoutReceipt", "PayoutSettled", "PayoutStatus", "QueryPayout"),
        "policy": ("Pace", "Retry"),
        "registry": ("endpoints",),
        "signing": ("AsyncSigner", "Signer", "load_private_key", "load_public_key"),
        "transports": ("AiohttpTransport", "HttpRequest", "HttpResponse", "MemoryTransport", "Transport"),
        "version": ("__version__",),
        "vocabulary.statuses": ("TransactionStatus",),
    }
    __getattr__, __dir__ = lazily(
        __name__,
        modules=("errors",),
        names=_NAMES,
        packages=("batch", "callbacks", "durable", "global_api", "ph", "signing", "testing", "transports"),
    )
