"""What is shown above the question: sums by method and bank, the largest payouts, the balance before and after."""

from __future__ import annotations

import attrs

from ....batch import State
from ....batch.report.preview import Preview
from ....money import format_major, from_minor
from ....texts import shown_text
from ...console import echo, plain
from ...objects.base import amount_of as amount_object
from ...objects.payouts import LargestObject, PreviewGroupObject, PreviewObject
from ..showing import amount_of

__all__ = ["Shown", "sent_by"]

_GROUPS = 10


def sent_by(releasing: bool) -> tuple[State, ...]:
    """The states whose payouts are sent after a yes; `releasing`: the yes is to what is offered, too."""
    return (State.OFFERED, State.PLANNED) if releasing else (State.PLANNED,)


@attrs.define(kw_only=True)
class Shown:
    """A preview, and what is known of the money."""

    preview: Preview
    currency: str
    by: str
    balance: int | None = None

    def show(self) -> None:
        """A few lines, whatever the file holds."""
        groups = self.preview.by_sum
        if not groups:
            return
        echo("By method and bank:")
        names = [_name(method, bank) for method, bank, _, _ in groups[:_GROUPS]]
        width = max(map(len, names))
        for name, (_, _, rows, amount) in zip(names, groups, strict=False):
            echo(f"  {name:<{width}}  {amount_of(rows, amount, self.currency)}")
        if rest := groups[_GROUPS:]:
            what = amount_of(sum(each[2] for each in rest), sum(each[3] for each in rest), self.currency)
            echo(f"  and {len(rest)} more: {what}")
        echo("Largest:")
        largest = [(format_major(each.amount, self.currency), each) for each in self.preview.largest]
        width = max(len(amount) for amount, _ in largest)
        for text, each in largest:
            echo(f"  {text:>{width}}  {each.order_id} (line {each.line})  {_name(each.method, each.bank)}")
        echo(f"Asked by: {plain(self.by)}")

    def show_balance(self, total: int) -> None:
        """The balance, before and after what is sent for sure."""
        if self.balance is None:
            return
        echo(f"Balance: {format_major(self.balance, self.currency)}")
        if 0 < total <= self.balance:
            echo(f"Balance after: {format_major(self.balance - total, self.currency)}")

    def object(self, total: tuple[int, int], again: tuple[int, int] = (0, 0)) -> PreviewObject:
        """For `--json`. `total`: what is sent for sure, `again`: what may be sent again; payouts and minor units."""
        currency = self.currency
        after = None if self.balance is None else self.balance - total[1]
        return PreviewObject(
            to_send=amount_object(*total, currency),
            perhaps_again=amount_object(*again, currency),
            by_method_and_bank=tuple(
                PreviewGroupObject(
                    method=method,
                    bank=bank,
                    payouts=rows,
                    amount=str(from_minor(amount, currency)),
                    amount_minor=amount,
                )
                for method, bank, rows, amount in self.preview.by_sum
            ),
            largest=tuple(
                LargestObject(
                    mch_order_id=each.order_id,
                    line=each.line,
                    method=each.method,
                    bank=each.bank,
                    amount=str(from_minor(each.amount, currency)),
                    amount_minor=each.amount,
                )
                for each in self.preview.largest
            ),
            same_payment=self.preview.repeats.count,
            balance=None if self.balance is None else str(from_minor(self.balance, currency)),
            balance_after=None if after is None else str(from_minor(after, currency)),
            by=self.by,
        )


def _name(method: str, bank: str) -> str:
    return shown_text(f"{method} {bank}".strip() or "(no method)", 40)
