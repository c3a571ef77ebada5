"""What the fragments of code in README.md and docs take for granted: names that a page's text speaks of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from paycools_async import (
    AiohttpTransport,
    CreatePayout,
    OutcomeUnknown,
    PayCoolsGlobal,
    PayCoolsPH,
    PayoutReceipt,
    Retry,
)
from paycools_async.batch import SQLiteLedger
from paycools_async.callbacks import CallbackRouter
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.ph import GetBalance, PayoutSettled
from paycools_async.testing import FakePayCools, Sandbox

__all__ = [
    "AiohttpTransport",
    "CallbackRouter",
    "FakePayCools",
    "GetBalance",
    "OutcomeUnknown",
    "Path",
    "PayCoolsGlobal",
    "PayCoolsPH",
    "PayoutSettled",
    "Retry",
    "SQLiteLedger",
    "Sandbox",
    "aiohttp_handler",
    "app",
    "asyncio",
    "fake",
    "loan",
    "mark_as_paid",
    "paycools",
    "paycools_global",
    "receipt",
    "request",
    "router",
    "session",
]

paycools: PayCoolsPH
paycools_global: PayCoolsGlobal
router: CallbackRouter
app: web.Application
fake: FakePayCools
receipt: PayoutReceipt
request: CreatePayout
loan: CreatePayout
session: Any
mark_as_paid: Callable[..., Awaitable[None]]
