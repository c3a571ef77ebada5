"""Callbacks: verified, typed, answered, and taken in once.

    router = CallbackRouter(PHCallbacks(secret))

    @router.on(PayoutSettled)
    async def settled(event: PayoutSettled) -> None: ...

Serve it with `paycools_async.callbacks.aiohttp` or `.asgi`, or call `router.handle(raw)` yourself. `CallbackInbox`
before it makes the intake durable.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily
from .answers import GLOBAL_ACK, PH_ACK, Answer, accept, refuse
from .body import MAX_BODY
from .errors import CallbackError, MalformedCallback, SignatureMismatch
from .events import UnknownEvent, reference_of
from .inbox import CallbackInbox, with_mark
from .router import CallbackRouter, Handles
from .stores import InboxError, InboxStore, SQLiteStore
from .verify import GlobalCallbacks, PHCallbacks

if TYPE_CHECKING:
    from .feed import LedgerFeed
else:  # it brings the whole batch along
    __getattr__, _ = lazily(__name__, names={"feed": ("LedgerFeed",)})

__all__ = [
    "GLOBAL_ACK",
    "MAX_BODY",
    "PH_ACK",
    "Answer",
    "CallbackError",
    "CallbackInbox",
    "CallbackRouter",
    "GlobalCallbacks",
    "Handles",
    "InboxError",
    "InboxStore",
    "LedgerFeed",
    "MalformedCallback",
    "PHCallbacks",
    "SQLiteStore",
    "SignatureMismatch",
    "UnknownEvent",
    "accept",
    "reference_of",
    "refuse",
    "with_mark",
]
