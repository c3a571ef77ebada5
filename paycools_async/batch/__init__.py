"""Batches of payouts: a ledger that is the truth, a runner that sends, a resolver that finds out."""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .facade import (
        Expected,
        FileCheck,
        NotReleased,
        OfferedBatch,
        Proposal,
        check_file,
        offer_file,
        pay_file,
        release,
        withdraw,
        write_report,
    )
    from .files import FileError, Order, OrderFile, Reading, RowError, read_orders
    from .gauges import LedgerGauges, ledger_gauges
    from .ledger.base import Identity, Ledger, LedgerError, Withdrawal
    from .ledger.postgres.ledger import PostgresLedger
    from .ledger.postgres.session import grant
    from .ledger.sqlite.ledger import SQLiteLedger
    from .run.meter import RunProgress
    from .run.options import Options, Summary
    from .run.payout_api import GlobalPayouts, PayoutApi, PHPayouts
    from .run.runner import Runner
    from .states import Event, State
else:  # who needs the states alone does not wait for every country's classes
    _NAMES = {
        "facade": (
            "Expected",
            "FileCheck",
            "NotReleased",
            "OfferedBatch",
            "Proposal",
            "check_file",
            "offer_file",
            "pay_file",
            "release",
            "withdraw",
            "write_report",
        ),
        "gauges": ("LedgerGauges", "ledger_gauges"),
        "run.payout_api": ("GlobalPayouts", "PHPayouts", "PayoutApi"),
        "ledger.sqlite.ledger": ("SQLiteLedger",),
        "run.meter": ("RunProgress",),
        "run.options": ("Options", "Summary"),
        "files": ("FileError", "Order", "OrderFile", "Reading", "RowError", "read_orders"),
        "ledger.postgres.ledger": ("PostgresLedger",),
        "ledger.postgres.session": ("grant",),
        "ledger.base": ("Identity", "Ledger", "LedgerError", "Withdrawal"),
        "run.runner": ("Runner",),
        "states": ("Event", "State"),
    }
    __getattr__, _ = lazily(__name__, names=_NAMES)

__all__ = [
    "Event",
    "Expected",
    "FileCheck",
    "FileError",
    "GlobalPayouts",
    "Identity",
    "Ledger",
    "LedgerError",
    "LedgerGauges",
    "NotReleased",
    "OfferedBatch",
    "Options",
    "Order",
    "OrderFile",
    "PHPayouts",
    "PayoutApi",
    "PostgresLedger",
    "Proposal",
    "Reading",
    "RowError",
    "RunProgress",
    "Runner",
    "SQLiteLedger",
    "State",
    "Summary",
    "Withdrawal",
    "check_file",
    "grant",
    "ledger_gauges",
    "offer_file",
    "pay_file",
    "read_orders",
    "release",
    "withdraw",
    "write_report",
]
