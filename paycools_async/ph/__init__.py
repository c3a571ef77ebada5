"""The products of the PH API, one file each, in the order of PayCools' navigation."""

from .account import Account
from .payout import Payouts

__all__ = ["Account", "Payouts"]
