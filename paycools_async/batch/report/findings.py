"""What the timelines of payouts come to: failures by reason, rates over time, and how long things took."""

from __future__ import annotations

from array import array
from collections import Counter

import attrs

from ..ledger.timeline import PayoutTimeline
from ..states import State
from .charts import TimeColumns

__all__ = ["Failures", "Findings", "percentiles"]

_KEPT = 50
"""Order ids of one reason that the page names; all of them stand in failures.csv."""
_CONFLICTS = 5
_COLUMNS = 60
_SHARES = (0.5, 0.9, 0.99, 1.0)


@attrs.define
class Failures:
    """Failed payouts with one code. `amount` in minor units."""

    rows: int = 0
    amount: int = 0
    message: str = ""
    orders: list[str] = attrs.field(factory=list)

    def add(self, timeline: PayoutTimeline) -> None:
        """Count one, and keep its order id while there are few."""
        self.rows += 1
        self.amount += timeline.amount
        self.message = self.message or timeline.message or ""
        if len(self.orders) < _KEPT:
            self.orders.append(timeline.order_id)


def _durations() -> array[float]:
    return array("d")


@attrs.define
class Findings:
    """What the timelines come to. Grows with seconds and codes, plus three numbers a payout."""

    failures: dict[tuple[int | None, bool], Failures] = attrs.field(factory=dict)
    """By code, and whether PayCools had taken the order: only then it is a `failedCode`."""
    conflicts: list[str] = attrs.field(factory=list)
    sent: Counter[int] = attrs.field(factory=Counter)
    final: Counter[int] = attrs.field(factory=Counter)
    again: int = 0
    answer: array[float] = attrs.field(factory=_durations)
    end: array[float] = attrs.field(factory=_durations)
    whole: array[float] = attrs.field(factory=_durations)

    def add(self, timeline: PayoutTimeline) -> None:
        """Count one payout."""
        self.sent[int(timeline.sent)] += 1
        self.again += timeline.last_sent > timeline.sent
        if timeline.accepted is not None:
            self.answer.append(timeline.accepted - timeline.sent)
        if timeline.final is not None:
            self.final[int(timeline.final)] += 1
            self.whole.append(timeline.final - timeline.sent)
            if timeline.accepted is not None:
                self.end.append(timeline.final - timeline.accepted)
        if timeline.state is State.FAILED:
            key = timeline.code, bool(timeline.transaction_id)
            self.failures.setdefault(key, Failures()).add(timeline)
        elif timeline.state is State.CONFLICT and len(self.conflicts) < _CONFLICTS:
            self.conflicts.append(timeline.order_id)

    def columns(self) -> TimeColumns:
        """Sent and final payouts by time, in at most sixty columns of whole seconds."""
        start = min(self.sent)
        end = max(max(self.sent), max(self.final, default=start)) + 1
        width = -(-(end - start) // _COLUMNS)
        count = -(-(end - start) // width)
        sent, final = [0] * count, [0] * count
        for series, into in ((self.sent, sent), (self.final, final)):
            for second, rows in series.items():
                into[(second - start) // width] += rows
        return TimeColumns(start=start, seconds=width, sent=sent, final=final)


def percentiles(values: array[float]) -> list[float]:
    """The median, the 90th and the 99th percentile, and the largest."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return [ordered[min(last, int(share * len(ordered)))] for share in _SHARES]
