"""One payout's life, as a pure state machine. Every move of every ledger goes through `after`.

    offered --release--> planned --send--> sending --accepted--> accepted --found_complete--> settled
       |                   ^ |                |                      `------found_failed----> failed
    withdraw               | `- withdraw      |
       v                   |                  |
    withdrawn              |-- not_sent ------|
                           |-- busy, held ----|
                           |                  |-- rejected ---------------------------------> failed
                           |                  `-- unclear, crashed, duplicate, doubted --> unknown
                           |                                                                 |
                           `-------------- absent (by time, and two inquiries) --------------|
                                                            found_pending -> accepted        |
                                                            found_*       -> settled, failed |
                                                            found_earlier -> preexisting ----'
                                                            mismatch      -> conflict

Nothing is sent except from `planned`. `planned` is reached from `offered` by a person's yes, and again only with proof
that nothing was sent, where PayCools says that it did nothing, or after inquiries that found nothing when all that was
sent must have arrived. `preexisting`: PayCools had the order id before this ledger sent it, so this ledger paid nobody;
a person decides. `conflict` is for a person too.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from ..renamed import warn_renamed

__all__ = [
    "FINAL",
    "MAY_BE_SENT",
    "NEVER_SENT_AGAIN",
    "OPEN",
    "REASONS",
    "UNSENT",
    "Event",
    "IllegalMove",
    "Reason",
    "State",
    "after",
]


class State(enum.StrEnum):
    OFFERED = "offered"
    """Entered, and nobody has said yes to it yet."""
    PLANNED = "planned"
    SENDING = "sending"
    """Durable before the first byte leaves. After a crash it means: may have been sent."""
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    """Taken back by a person before it was ever sent."""
    PREEXISTING = "preexisting"
    """PayCools had the order id before this ledger sent it."""
    CONFLICT = "conflict"


FINAL = frozenset({State.SETTLED, State.FAILED, State.WITHDRAWN})
OPEN = frozenset({State.PLANNED, State.SENDING, State.UNKNOWN, State.ACCEPTED})
"""States the runner can still do something about."""
UNSENT = frozenset({State.OFFERED, State.PLANNED})
"""Not under way. A row that is so and was never sent again was never sent at all."""
MAY_BE_SENT = UNSENT | {State.SENDING, State.UNKNOWN}
"""May still be sent, or sent again."""


class _OldNames(enum.EnumMeta):
    if not TYPE_CHECKING:  # else any name would pass for a member

        def __getattr__(cls, name: str) -> Any:
            new = {"HELD": "MERCHANT_REFUSED", "DOUBTED": "UNLISTED_REFUSAL"}.get(name)
            if new is None:
                raise AttributeError(f"{cls.__name__} has no member {name!r}")
            warn_renamed(f"Event.{name}", new)
            return cls[new]


class Event(enum.StrEnum, metaclass=_OldNames):
    RELEASE = "release"
    """A person said yes."""
    WITHDRAW = "withdraw"
    SEND = "send"
    NOT_SENT = "not_sent"
    """Proof: nothing left this machine."""
    BUSY = "busy"
    """PayCools was too busy to look at it."""
    MERCHANT_REFUSED = "held"
    """PayCools refused the merchant, not the order (balance, key, address): the batch stops, the order waits."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCLEAR = "unclear"
    CRASHED = "crashed"
    DUPLICATE = "duplicate"
    """PayCools says it has this id from an earlier attempt."""
    UNLISTED_REFUSAL = "doubted"
    """Refused with a code that is on no list of refusals, or a refund that may be it is listed without its id: it may
    have been booked all the same."""
    LOST = "lost"
    """Part of the ledger is lost (a copy, a backup): whatever was not final may have been sent."""
    FOUND_PENDING = "found_pending"
    FOUND_COMPLETE = "found_complete"
    FOUND_FAILED = "found_failed"
    FOUND_EARLIER = "found_earlier"
    """PayCools has the order id from before this ledger sent it."""
    ABSENT = "absent"
    MISMATCH = "mismatch"
    """PayCools knows the order id with other content."""
    ADOPT = "adopt"
    """A person says that what PayCools had before is this payout."""


Reason = Event
"""Why a payout is unknown (REASONS): decides what `absent` leads to. ADOPT: why it counts as this ledger's."""

REASONS = frozenset({Event.UNCLEAR, Event.CRASHED, Event.DUPLICATE, Event.UNLISTED_REFUSAL, Event.LOST})
"""What makes a payout unknown. From then on the time is counted until its absence may be believed."""


NEVER_SENT_AGAIN = frozenset({Event.DUPLICATE, Event.UNLISTED_REFUSAL})
"""What makes a payout unknown for good, until PayCools shows it: no absence of it is believed."""


class IllegalMove(Exception):
    """A programming error: this event cannot happen in this state."""


S, E = State, Event

_FROM_SENDING = {
    E.NOT_SENT: S.PLANNED,
    E.BUSY: S.PLANNED,
    E.MERCHANT_REFUSED: S.PLANNED,
    E.ACCEPTED: S.ACCEPTED,
    E.REJECTED: S.FAILED,
    **dict.fromkeys(REASONS, S.UNKNOWN),
}

_EARLIER = {
    E.FOUND_EARLIER: S.PREEXISTING,
    E.MISMATCH: S.CONFLICT,
}

_FOUND = {
    E.FOUND_PENDING: S.ACCEPTED,
    E.FOUND_COMPLETE: S.SETTLED,
    E.FOUND_FAILED: S.FAILED,
    **_EARLIER,
}

_ABSENT = {
    E.UNCLEAR: S.PLANNED,
    E.CRASHED: S.PLANNED,
    # PayCools has the id, or may have: nothing is gained by sending again. It waits until PayCools shows it
    E.DUPLICATE: S.UNKNOWN,
    E.UNLISTED_REFUSAL: S.UNKNOWN,
    # who said yes to it is lost too
    E.LOST: S.OFFERED,
}

_MOVES: dict[State, dict[Event, State]] = {
    S.OFFERED: {E.RELEASE: S.PLANNED, E.WITHDRAW: S.WITHDRAWN, E.LOST: S.UNKNOWN, **_FOUND},
    # PayCools knows an order that is not to have been sent: somebody sent it, or absence was believed too early
    S.PLANNED: {
        E.SEND: S.SENDING,
        E.WITHDRAW: S.WITHDRAWN,
        E.LOST: S.UNKNOWN,
        E.UNLISTED_REFUSAL: S.UNKNOWN,
        **_FOUND,
    },
    S.SENDING: {**_FROM_SENDING, **_FOUND},
    S.UNKNOWN: {**_FOUND, E.LOST: S.UNKNOWN, E.UNLISTED_REFUSAL: S.UNKNOWN},
    # an accepted order that an inquiry misses stays accepted: PayCools has said that it has it
    S.ACCEPTED: {**_FOUND, E.ABSENT: S.ACCEPTED, E.FOUND_PENDING: S.ACCEPTED},
    # final states do not move; news to the contrary is for a person
    S.SETTLED: {
        E.FOUND_PENDING: S.SETTLED,
        E.FOUND_COMPLETE: S.SETTLED,
        E.FOUND_FAILED: S.CONFLICT,
        E.MISMATCH: S.CONFLICT,
    },
    S.FAILED: {
        E.FOUND_PENDING: S.FAILED,
        E.FOUND_FAILED: S.FAILED,
        E.FOUND_COMPLETE: S.CONFLICT,
        E.MISMATCH: S.CONFLICT,
    },
    S.WITHDRAWN: _EARLIER,
    S.PREEXISTING: {
        E.ADOPT: S.ACCEPTED,
        E.MISMATCH: S.CONFLICT,
        **dict.fromkeys((E.FOUND_PENDING, E.FOUND_COMPLETE, E.FOUND_FAILED, E.FOUND_EARLIER), S.PREEXISTING),
    },
    S.CONFLICT: dict.fromkeys(
        (E.FOUND_PENDING, E.FOUND_COMPLETE, E.FOUND_FAILED, E.FOUND_EARLIER, E.MISMATCH, E.ABSENT), S.CONFLICT
    ),
}


def after(state: State, event: Event, reason: Reason | None = None) -> State:
    """The state after an event. Raises IllegalMove where the event cannot happen."""
    found = _MOVES[state].get(event)
    if found is None and state is S.UNKNOWN and event is E.ABSENT and reason is not None:
        found = _ABSENT.get(reason)
    if found is None:
        raise IllegalMove(f"{event} cannot happen to a payout that is {state}")
    return found
