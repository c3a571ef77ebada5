"""The inbox before a router: what it guarantees, and where it keeps its callbacks."""

from .inbox import CallbackInbox, applying_store, item_of, with_mark
from .sqlite import SQLiteStore
from .store import InboxError, InboxStore, Item, Mark, Stored, Work

__all__ = [
    "CallbackInbox",
    "InboxError",
    "InboxStore",
    "Item",
    "Mark",
    "SQLiteStore",
    "Stored",
    "Work",
    "applying_store",
    "item_of",
    "with_mark",
]
