"""Files of payouts from Python: checked, offered, paid after a yes, followed to their end, taken back, reported.

`paycools payouts` stands on the same parts. `check` reads a file; `pay` enters, asks, and sends; `approval` is the yes;
`existing` is about what a ledger has already; `given` is what a caller may give; `progress` tells how far a run is.
"""

from .approval import Approve, Expected, NotReleased, Proposal
from .check import FileCheck, check_file
from .existing import release, withdraw, write_report
from .given import LedgerOrLocation, Payer, whoami
from .pay import OfferedBatch, offer_file, pay_file

__all__ = [
    "Approve",
    "Expected",
    "FileCheck",
    "LedgerOrLocation",
    "NotReleased",
    "OfferedBatch",
    "Payer",
    "Proposal",
    "check_file",
    "offer_file",
    "pay_file",
    "release",
    "whoami",
    "withdraw",
    "write_report",
]
