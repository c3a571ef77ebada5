"""The yes to what would be sent, or none."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence

import attrs

from ..files import RowError
from ..ledger.base import Identity, LedgerError

__all__ = ["Approve", "Expected", "NotReleased", "Proposal", "require_approval"]


class NotReleased(LedgerError):
    """Nothing was sent, and what was entered is taken back: rows are faulty, nobody said yes, or it is not that.

    `errors`: the faulty rows, at most 10,000.
    """

    def __init__(self, message: str, errors: Sequence[RowError] = ()) -> None:
        super().__init__(message)
        self.errors: tuple[RowError, ...] = tuple(errors)


@attrs.frozen(kw_only=True)
class Expected:
    """A yes to a file, or a batch, of so many payouts that come to `amount`, in minor units, and to no other."""

    payouts: int
    amount: int


@attrs.frozen(kw_only=True)
class Proposal:
    """What a yes would send, in minor units of `destination.currency`."""

    file: str
    batch: int | None
    """The batch that the yes releases; None: an earlier one has released all."""
    payouts: int
    amount: int
    unclear: int
    """How many more may be sent again, if PayCools does not have them."""
    unclear_amount: int
    destination: Identity
    """The merchant, and the host that it goes to."""
    warnings: tuple[str, ...] = ()
    """What a person should look at first: codes that are not known, the same payment under two order ids."""


Approve = Expected | Callable[[Proposal], bool | Awaitable[bool]]
"""What was counted elsewhere; or a function that is asked with the `Proposal`: True is a yes, anything else is none."""


async def require_approval(approve: Approve, proposal: Proposal, whole: Expected) -> None:
    """Raises NotReleased without a yes. `whole`: what an `Expected` speaks of, sent already or not."""
    if isinstance(approve, Expected):
        if whole != approve:
            raise NotReleased(f"{proposal.file}: {approve} was expected, and there is {whole}")
    elif proposal.payouts or proposal.unclear:
        answer = approve(proposal)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is not True:
            raise NotReleased(f"{proposal.file}: nobody said yes")
