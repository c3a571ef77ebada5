"""How a batch runs, and what came of it."""

from __future__ import annotations

import attrs

from ...errors import ConfigurationError
from ...renamed import old_arguments
from ...resolving.absence import ABSENT_AFTER, SHORTEST_ABSENCE, absent_from
from ..states import OPEN, State

__all__ = ["Options", "Summary"]


@old_arguments(first_look="first_inquiry_after", longest_look="longest_inquiry_pause")
@attrs.frozen(kw_only=True)
class Options:
    """How a batch runs; all times in seconds.

    `rate`: new payouts a second, no limit by default. `wait`: how long nothing may move forward before the run ends
    and leaves the rest for a later one; by default 60, and longer where an unclear payout needs it. `absent_after`: how
    long after the call's own timeout an order must not be found before it may be sent again, at least 1; doubled with
    each re-send. `max_resends`: how often one order may be sent again after that; then it stays `unknown`, for a
    person. `breaker`: sending is held when that share of the last `breaker_window` answers were refusals (None: never);
    fewer answers than that hold nothing, so a few bad rows in a small file do not.
    """

    concurrency: int = 50
    rate: float | None = None
    wait: float | None = None
    absent_after: float = ABSENT_AFTER
    first_inquiry_after: float = 1.0
    longest_inquiry_pause: float = 30.0
    max_resends: int = 1
    breaker: float | None = 0.5
    breaker_window: int = 50

    def __attrs_post_init__(self) -> None:
        if not self.absent_after >= SHORTEST_ABSENCE:
            raise ConfigurationError("absent_after must be at least 1 second; sooner, an order could be paid twice")
        if self.max_resends < 0:
            raise ConfigurationError("max_resends must be 0 or more")

    def pause_after(self, inquiries: int) -> float:
        """The pause before the next inquiry, after so many that brought nothing new."""
        return min(self.first_inquiry_after * 2.0 ** min(inquiries + 1, 30), self.longest_inquiry_pause)

    def absence(self, resends: int, call_timeout: float, longest_lag: float) -> float:
        """Seconds from the last byte of a sending until its absence may be believed."""
        return absent_from(
            0.0,
            call_timeout=call_timeout,
            absent_after=self.absent_after,
            longest_lag=longest_lag,
            resends=resends,
        )


@attrs.frozen(kw_only=True)
class Summary:
    """Where the batch stands: rows and minor units by state, and why the run ended early, if it did.

    `resent`: payouts that were sent again after PayCools did not show them for long. Look at them: a person has to see
    that nobody was paid twice.
    """

    counts: dict[State, tuple[int, int]]
    stopped: str | None = None
    resent: int = 0

    def rows(self, *states: State) -> int:
        """How many payouts are in these states."""
        return sum(self.counts.get(state, (0, 0))[0] for state in states)

    def amount(self, *states: State) -> int:
        """What the payouts in these states are worth, in minor units."""
        return sum(self.counts.get(state, (0, 0))[1] for state in states)

    @property
    def exit_code(self) -> int:
        """0 all settled but what was taken back; 1 some failed; 3 some unresolved, or all taken back."""
        if self.resent or self.rows(*OPEN, State.OFFERED, State.PREEXISTING, State.CONFLICT):
            return 3
        if self.rows(State.FAILED):
            return 1
        return 3 if self.rows(State.WITHDRAWN) and not self.rows(State.SETTLED) else 0
