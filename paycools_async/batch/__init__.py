"""Batches of payouts: a ledger that is the truth, a runner that sends, a resolver that finds out."""

from .api import GlobalPayouts, PayoutApi, PHPayouts
from .ledger import SQLiteLedger
from .options import Options, Summary
from .orders import FileError, Order, RowError, read_orders
from .protocol import Identity, Ledger, LedgerError
from .runner import Runner
from .states import Event, State

__all__ = [
    "Event",
    "FileError",
    "GlobalPayouts",
    "Identity",
    "Ledger",
    "LedgerError",
    "Options",
    "Order",
    "PHPayouts",
    "PayoutApi",
    "RowError",
    "Runner",
    "SQLiteLedger",
    "State",
    "Summary",
    "read_orders",
]
