"""One payout's life, as a pure state machine. Every move of every ledger goes through `after`.

    planned --send--> sending --accepted--> accepted --found_complete--> settled
       ^                 |                      `------found_failed----> failed
       |-- not_sent -----|
       |-- busy, held ---|
       |                 |-- rejected ---------------------------------> failed
       |                 `-- unclear, crashed, duplicate, doubted --> unknown
       |                                                                |  found_pending -> accepted
       `---------------------- absent (twice, T apart) -----------------'  found_* -> settled, failed
                                                                           mismatch -> conflict (a human looks)

Nothing is sent except from `planned`, and `planned` is reached again only with proof that nothing was sent, with
PayCools' word that it did nothing, or after two inquiries that found nothing.
"""

from __future__ import annotations

import enum

__all__ = ["FINAL", "OPEN", "Event", "IllegalMove", "Reason", "State", "after"]


class State(enum.StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    """Durable before the first byte leaves. After a crash it means: may have been sent."""
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    FAILED = "failed"
    CONFLICT = "conflict"


FINAL = frozenset({State.SETTLED, State.FAILED})
OPEN = frozenset({State.PLANNED, State.SENDING, State.UNKNOWN, State.ACCEPTED})
"""States the runner can still do something about."""


class Event(enum.StrEnum):
    SEND = "send"
    NOT_SENT = "not_sent"
    """Proof: nothing left this machine."""
    BUSY = "busy"
    """PayCools was too busy to look at it."""
    HELD = "held"
    """PayCools refused the merchant, not the order (balance, key, address): the batch stops, the order waits."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNCLEAR = "unclear"
    CRASHED = "crashed"
    DUPLICATE = "duplicate"
    """PayCools says it has this id from an earlier attempt."""
    DOUBTED = "doubted"
    """Refused with a code that no document lists: believed only when an inquiry finds nothing either."""
    FOUND_PENDING = "found_pending"
    FOUND_COMPLETE = "found_complete"
    FOUND_FAILED = "found_failed"
    ABSENT = "absent"
    MISMATCH = "mismatch"
    """PayCools knows the order id with other content."""


Reason = Event
"""Why a payout is unknown: UNCLEAR, CRASHED, DUPLICATE or DOUBTED. Decides what `absent` leads to."""


class IllegalMove(Exception):
    """A programming error: this event cannot happen in this state."""


S, E = State, Event

_FROM_SENDING = {
    E.NOT_SENT: S.PLANNED,
    E.BUSY: S.PLANNED,
    E.HELD: S.PLANNED,
    E.ACCEPTED: S.ACCEPTED,
    E.REJECTED: S.FAILED,
    E.UNCLEAR: S.UNKNOWN,
    E.CRASHED: S.UNKNOWN,
    E.DUPLICATE: S.UNKNOWN,
    E.DOUBTED: S.UNKNOWN,
}

_FOUND = {
    E.FOUND_PENDING: S.ACCEPTED,
    E.FOUND_COMPLETE: S.SETTLED,
    E.FOUND_FAILED: S.FAILED,
    E.MISMATCH: S.CONFLICT,
}

_ABSENT = {
    E.UNCLEAR: S.PLANNED,
    E.CRASHED: S.PLANNED,
    E.DUPLICATE: S.CONFLICT,  # PayCools has the id and does not show it: never send again
    E.DOUBTED: S.FAILED,
}

_MOVES: dict[State, dict[Event, State]] = {
    # word about an order that is not to have been sent: somebody sent it, or absence was believed too early
    S.PLANNED: {E.SEND: S.SENDING, **_FOUND},
    S.SENDING: {**_FROM_SENDING, **_FOUND},
    S.UNKNOWN: _FOUND,
    # an accepted order that an inquiry misses stays accepted: PayCools' word is on record
    S.ACCEPTED: {**_FOUND, E.ABSENT: S.ACCEPTED, E.FOUND_PENDING: S.ACCEPTED},
    # final states do not move; word to the contrary is for a human
    S.SETTLED: {E.FOUND_PENDING: S.SETTLED, E.FOUND_COMPLETE: S.SETTLED, E.FOUND_FAILED: S.CONFLICT},
    S.FAILED: {E.FOUND_PENDING: S.FAILED, E.FOUND_FAILED: S.FAILED, E.FOUND_COMPLETE: S.CONFLICT},
    S.CONFLICT: dict.fromkeys((E.FOUND_PENDING, E.FOUND_COMPLETE, E.FOUND_FAILED, E.MISMATCH, E.ABSENT), S.CONFLICT),
}


def after(state: State, event: Event, reason: Reason | None = None) -> State:
    """The state after an event. Raises IllegalMove where the event cannot happen."""
    found = _MOVES[state].get(event)
    if found is None and state is S.UNKNOWN and event is E.ABSENT and reason is not None:
        found = _ABSENT.get(reason)
    if found is None:
        raise IllegalMove(f"{event} cannot happen to a payout that is {state}")
    return found
