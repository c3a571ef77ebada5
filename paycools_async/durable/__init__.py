"""Payouts that survive the application: durable when `submit` returns, and sent once.

async with DurablePayouts(paycools, "payouts.db") as payouts:
    await payouts.submit(CreatePayout(...))
"""

from ..batch.ledger.application import AlreadyAcknowledged
from ..batch.run.options import Options
from ..batch.states import State
from ..callbacks.inbox import in_transaction
from .payout import DurablePayout, Health
from .payouts import DurablePayouts, UnknownPayout

__all__ = [
    "AlreadyAcknowledged",
    "DurablePayout",
    "DurablePayouts",
    "Health",
    "Options",
    "State",
    "UnknownPayout",
    "in_transaction",
]
