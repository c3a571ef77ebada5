"""Batches of payouts: a ledger that is the truth, a runner that sends, a resolver that finds out."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .api import GlobalPayouts, PayoutApi, PHPayouts
    from .ledger import SQLiteLedger
    from .options import Options, Summary
    from .orders import FileError, Order, OrderFile, Reading, RowError, read_orders
    from .postgres import PostgresLedger
    from .postgres_session import grant
    from .protocol import Identity, Ledger, LedgerError
    from .runner import Runner
    from .states import Event, State
else:  # who needs the states alone does not wait for every country's classes
    _NAMES = {
        "api": ("GlobalPayouts", "PHPayouts", "PayoutApi"),
        "ledger": ("SQLiteLedger",),
        "options": ("Options", "Summary"),
        "orders": ("FileError", "Order", "OrderFile", "Reading", "RowError", "read_orders"),
        "postgres": ("PostgresLedger",),
        "postgres_session": ("grant",),
        "protocol": ("Identity", "Ledger", "LedgerError"),
        "runner": ("Runner",),
        "states": ("Event", "State"),
    }
    __getattr__, _ = lazily(__name__, names=_NAMES)

__all__ = [
    "Event",
    "FileError",
    "GlobalPayouts",
    "Identity",
    "Ledger",
    "LedgerError",
    "Options",
    "Order",
    "OrderFile",
    "PHPayouts",
    "PayoutApi",
    "PostgresLedger",
    "Reading",
    "RowError",
    "Runner",
    "SQLiteLedger",
    "State",
    "Summary",
    "grant",
    "read_orders",
]
