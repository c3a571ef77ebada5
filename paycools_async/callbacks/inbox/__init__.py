"""The inbox before a router: what it guarantees, and where it keeps its callbacks."""

from .applying import applying_store, collected_for, collecting_work, in_transaction, with_mark
from .inbox import CallbackInbox, InboxGauges, InboxHealth, item_of
from .sqlite import SQLiteStore
from .store import InboxError, InboxStore, Item, Mark, Stored, Work

__all__ = [
    "CallbackInbox",
    "InboxError",
    "InboxGauges",
    "InboxHealth",
    "InboxStore",
    "Item",
    "Mark",
    "SQLiteStore",
    "Stored",
    "Work",
    "applying_store",
    "collected_for",
    "collecting_work",
    "in_transaction",
    "item_of",
    "with_mark",
]
