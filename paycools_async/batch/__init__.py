"""Batches of payouts: a ledger that is the truth, a runner that sends, a resolver that finds out."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .ledger.base import Identity, Ledger, LedgerError
    from .ledger.postgres.ledger import PostgresLedger
    from .ledger.postgres.session import grant
    from .ledger.sqlite.ledger import SQLiteLedger
    from .orders import FileError, Order, OrderFile, Reading, RowError, read_orders
    from .run.options import Options, Summary
    from .run.payout_api import GlobalPayouts, PayoutApi, PHPayouts
    from .run.runner import Runner
    from .states import Event, State
else:  # who needs the states alone does not wait for every country's classes
    _NAMES = {
        "run.payout_api": ("GlobalPayouts", "PHPayouts", "PayoutApi"),
        "ledger.sqlite.ledger": ("SQLiteLedger",),
        "run.options": ("Options", "Summary"),
        "orders": ("FileError", "Order", "OrderFile", "Reading", "RowError", "read_orders"),
        "ledger.postgres.ledger": ("PostgresLedger",),
        "ledger.postgres.session": ("grant",),
        "ledger.base": ("Identity", "Ledger", "LedgerError"),
        "run.runner": ("Runner",),
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
