"""The state machine of one payout, in full."""

from __future__ import annotations

import itertools

import pytest

from paycools_async.batch.states import FINAL, Event, IllegalMove, State, after

REASONS = (Event.UNCLEAR, Event.CRASHED, Event.DUPLICATE, Event.DOUBTED)


def legal() -> list[tuple[State, Event, Event | None, State]]:
    """Every move the machine allows."""
    moves = []
    for state, event, reason in itertools.product(State, Event, (None, *REASONS)):
        if (state is State.UNKNOWN) is (reason is None):
            continue
        try:
            moves.append((state, event, reason, after(state, event, reason)))
        except IllegalMove:
            continue
    return moves


def test_something_is_sent_from_planned_only() -> None:
    assert [move[0] for move in legal() if move[3] is State.SENDING] == [State.PLANNED]


def test_planned_is_reached_again_only_with_proof_or_after_absence() -> None:
    back = {(state, event, reason) for state, event, reason, to in legal() if to is State.PLANNED}
    assert back == {
        (State.SENDING, Event.NOT_SENT, None),
        (State.SENDING, Event.BUSY, None),
        (State.SENDING, Event.HELD, None),
        (State.UNKNOWN, Event.ABSENT, Event.UNCLEAR),
        (State.UNKNOWN, Event.ABSENT, Event.CRASHED),
    }


def test_final_states_never_open_again() -> None:
    for state, event, _, to in legal():
        if state in FINAL:
            assert to in {state, State.CONFLICT}, (state, event)


def test_a_conflict_is_left_by_nobody_but_a_human() -> None:
    assert {to for state, _, _, to in legal() if state is State.CONFLICT} == {State.CONFLICT}


def test_an_order_that_paycools_has_and_does_not_show_is_never_sent_again() -> None:
    assert after(State.UNKNOWN, Event.ABSENT, Event.DUPLICATE) is State.CONFLICT


def test_an_unlisted_refusal_is_believed_when_an_inquiry_finds_nothing_either() -> None:
    assert after(State.SENDING, Event.DOUBTED) is State.UNKNOWN
    assert after(State.UNKNOWN, Event.ABSENT, Event.DOUBTED) is State.FAILED


def test_an_accepted_order_stays_accepted_when_an_inquiry_misses_it() -> None:
    assert after(State.ACCEPTED, Event.ABSENT) is State.ACCEPTED


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SETTLED, State.FAILED])
def test_nothing_but_a_planned_order_may_be_sent(state: State) -> None:
    with pytest.raises(IllegalMove):
        after(state, Event.SEND, Event.UNCLEAR)
