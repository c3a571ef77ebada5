"""Payouts as both APIs' fakes book them: what a payout is, how it ends, and a file that keeps them over restarts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs

from . import magic
from .merchant import Merchant
from .settlement import Settlement, Settles, settles_later

__all__ = ["FakePayout", "PayoutRecords"]


@attrs.frozen(kw_only=True)
class FakePayout(Settles):
    """Money that left (or, FAILED, came back)."""

    order_id: str
    idempotency_id: str
    amount: int
    channel: str
    remark: str | None


_BEGINNING = '{"transaction_id": '
"""Of each line of a journal."""


@attrs.define
class PayoutRecords:
    """Every payout ever booked, in order. `decide` chooses how a payout ends; `settle_after` seconds later it does.

    `inquiry_lag`: seconds until a payout is found by inquiry. `journal`: a file that keeps the records over restarts.
    """

    kind: ClassVar[type[FakePayout]] = FakePayout
    paid: list[FakePayout] = attrs.field(factory=list)
    by_order: dict[str, FakePayout] = attrs.field(factory=dict)
    by_idempotency: dict[str, FakePayout] = attrs.field(factory=dict)
    decide: Callable[[dict[str, Any]], Settlement] = magic.settlement
    settle_after: float = 0.0
    inquiry_lag: float = 0.0
    journal: Path | None = None
    spent: int = 0
    """Centavos gone; a payout that will fail takes nothing."""
    _is_cut_off: bool = attrs.field(default=False, init=False)
    """The journal's last line is no whole one."""

    def open_journal(self, path: Path) -> None:
        """Take up the payouts of an earlier run, and keep them from now on.

        Raises OSError; ValueError or TypeError where the file holds anything else.
        """
        if path.exists():
            if not path.is_file():
                raise ValueError("no file")
            text = path.read_text("utf-8")
            for line in text.splitlines():
                if line.endswith("}"):
                    self._enter(self.kind(**json.loads(line)))
                elif not line.startswith(_BEGINNING[: len(line)]):
                    raise ValueError("no payout")
                # else it was cut off by a kill: a payout that was never answered
            self._is_cut_off = bool(text) and not text.endswith("\n")
        self.journal = path

    def order(
        self, merchant: Merchant, fields: dict[str, Any], *, idempotency_id: str, channel: str, **more: Any
    ) -> FakePayout:
        """Book a payout that nothing speaks against: its end is decided now."""
        payout = self.kind(
            order_id=fields["mchOrderId"],
            idempotency_id=idempotency_id,
            amount=fields["amount"],
            channel=channel,
            remark=fields.get("remark"),
            **settles_later(merchant, "D", self.settle_after, self.decide(fields)),
            **more,
        )
        self.book(payout)
        return payout

    def book(self, payout: FakePayout) -> None:
        """Take the payout in, into the journal first where there is one."""
        if self.journal is not None:
            with self.journal.open("a", encoding="utf-8") as file:
                file.write("\n" * self._is_cut_off + json.dumps(attrs.asdict(payout)) + "\n")
            self._is_cut_off = False
        self._enter(payout)

    def _enter(self, payout: FakePayout) -> None:
        self.paid.append(payout)
        self.by_order[payout.order_id] = payout
        self.by_idempotency[payout.idempotency_id] = payout
        self.spent += payout.amount if payout.status != "FAILED" else 0

    def paid_more_than_once(self) -> list[str]:
        """Order ids for which money left more than once."""
        seen: dict[str, int] = {}
        for payout in self.paid:
            if payout.status != "FAILED":
                seen[payout.order_id] = seen.get(payout.order_id, 0) + 1
        return [order_id for order_id, times in seen.items() if times > 1]
