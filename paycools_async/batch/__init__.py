"""Batches of payouts: a ledger that is the truth, a runner that sends, a resolver that finds out."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .facade import Expected, NotReleased, Proposal, pay_file
    from .files import FileError, Order, OrderFile, Reading, RowError, read_orders
    from .gauges import LedgerGauges, ledger_gauges
    from .ledger.base import Identity, Ledger, LedgerError
    from .ledger.postgres.ledger import PostgresLedger
    from .ledger.postgres.session import grant
    from .ledger.sqlite.ledger import SQLiteLedger
    from .run.options import Options, Summary
    from .run.payout_api import GlobalPayouts, PayoutApi, PHPayouts
    from .run.runner import Runner
    from .states import Event, State
else:  # who needs the states alone does not wait for every country's classes
    _NAMES = {
        "facade": ("Expected", "NotReleased", "Proposal", "pay_file"),
        "gauges": ("LedgerGauges", "ledger_gauges"),
        "run.payout_api": ("GlobalPayouts", "PHPayouts", "PayoutApi"),
        "ledger.sqlite.ledger": ("SQLiteLedger",),
        "run.options": ("Options", "Summary"),
        "files": ("FileError", "Order", "OrderFile", "Reading", "RowError", "read_orders"),
        "ledger.postgres.ledger": ("PostgresLedger",),
        "ledger.postgres.session": ("grant",),
        "ledger.base": ("Identity", "Ledger", "LedgerError"),
        "run.runner": ("Runner",),
        "states": ("Event", "State"),
    }
    __getattr__, _ = lazily(__name__, names=_NAMES)

__all__ = [
    "Event",
    "Expected",
    "FileError",
    "GlobalPayouts",
    "Identity",
    "Ledger",
    "LedgerError",
    "LedgerGauges",
    "NotReleased",
    "Options",
    "Order",
    "OrderFile",
    "PHPayouts",
    "PayoutApi",
    "PostgresLedger",
    "Proposal",
    "Reading",
    "RowError",
    "Runner",
    "SQLiteLedger",
    "State",
    "Summary",
    "grant",
    "ledger_gauges",
    "pay_file",
    "read_orders",
]
