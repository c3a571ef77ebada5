"""What the simulated customers of a fake PayCools do: pay, agree to debits, show a code, prove who they are."""

from __future__ import annotations

import itertools
from typing import Any

from .ph.ekyc import notify_ekyc
from .server import direct_debit
from .server.merchant import PAYERS, Merchant

__all__ = ["Customers"]


class Customers:
    """The customers of all merchants."""

    merchants: dict[str, Merchant]

    def __init__(self) -> None:
        self._codes = itertools.count(1)

    @property
    def merchant(self) -> Merchant:
        """The PH API's first merchant."""
        raise NotImplementedError

    async def pay(self, reference: str, amount: int) -> dict[str, Any]:
        """A simulated customer pays minor units to whatever has this reference: a code, an account, an order.

        Returns the payment as PayCools lists it. Raises Refusal if it may not be paid, LookupError if nothing has it.
        """
        # merchants are those whose credentials have been asked for
        for merchant in list(self.merchants.values()) or [self.merchant]:
            for payer in PAYERS:
                payment = await payer(merchant, reference, amount)
                if payment is not None:
                    return payment
        raise LookupError(f"nothing to pay has the reference {reference!r}")

    def authorize(self, request_id: str) -> str:
        """A simulated customer agrees to direct debits, on the page of this request: the token to debit with.

        Raises LookupError if nobody was asked.
        """
        return direct_debit.customer_authorizes(self._who_asked(request_id), request_id)

    def decline(self, request_id: str) -> None:
        """A simulated customer does not agree to direct debits. Raises LookupError if nobody was asked."""
        direct_debit.customer_refuses(self._who_asked(request_id), request_id)

    def revoke(self, pay_token: str) -> None:
        """A simulated customer ends an authorization. Raises LookupError if there is none."""
        for merchant in self.merchants.values():
            if pay_token in merchant.of(direct_debit.DirectDebitRecords).tokens:
                return direct_debit.customer_cancels(merchant, pay_token)
        raise LookupError("no authorization has this token")

    def _who_asked(self, request_id: str) -> Merchant:
        for merchant in self.merchants.values():
            if request_id in merchant.of(direct_debit.DirectDebitRecords).authorizations:
                return merchant
        raise LookupError(f"no authorization was asked for as {request_id!r}")

    def show_code(self, *, fails: bool = False) -> str:
        """A simulated customer shows a code to be scanned, the `auth_code` of a CPM charge.

        `fails`: there is no money behind it.
        """
        return f"28{next(self._codes):012d}{'0000' if fails else '0001'}"

    def verify_identity(self, **fields: Any) -> None:
        """A simulated customer has been through eKYC: its notification falls due.

        No public document names the fields; give those of your contract.
        """
        notify_ekyc(self.merchant, fields)
