"""Payouts and refunds that survive the application: durable when `submit` returns, and sent once.

async with DurablePayouts(paycools, "payouts.db") as payouts:
    await payouts.submit(CreatePayout(...))
"""

from ..batch.ledger.application import AlreadyAcknowledged
from ..batch.run.options import Options
from ..batch.states import State
from ..callbacks.inbox import in_transaction
from .order import DurablePayout, DurableRefund, Health
from .payouts import DurablePayouts, UnknownPayout
from .refunds import DurableRefunds, UnknownRefund

__all__ = [
    "AlreadyAcknowledged",
    "DurablePayout",
    "DurablePayouts",
    "DurableRefund",
    "DurableRefunds",
    "Health",
    "Options",
    "State",
    "UnknownPayout",
    "UnknownRefund",
    "in_transaction",
]
