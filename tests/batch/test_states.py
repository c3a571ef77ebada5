"""The state machine of one payout, in full."""

from __future__ import annotations

import itertools

import pytest

from paycools_async.batch.states import FINAL, MAY_BE_SENT, REASONS, Event, IllegalMove, State, after

WHY = (None, *REASONS, Event.ADOPT)


def legal() -> list[tuple[State, Event, Event | None, State]]:
    """Every move the machine allows."""
    moves = []
    for state, event, reason in itertools.product(State, Event, WHY):
        if (state is State.UNKNOWN) is (reason not in REASONS):
            continue
        try:
            moves.append((state, event, reason, after(state, event, reason)))
        except IllegalMove:
            continue
    return moves


def test_something_is_sent_from_planned_only() -> None:
    assert [move[0] for move in legal() if move[3] is State.SENDING] == [State.PLANNED] * 2


def test_planned_is_reached_by_a_yes_and_again_only_with_proof_or_after_absence() -> None:
    back = {(state, event, reason) for state, event, reason, to in legal() if to is State.PLANNED}
    assert {move for move in back if move[2] is not Event.ADOPT} == {
        (State.OFFERED, Event.RELEASE, None),
        (State.SENDING, Event.NOT_SENT, None),
        (State.SENDING, Event.BUSY, None),
        (State.SENDING, Event.MERCHANT_REFUSED, None),
        (State.UNKNOWN, Event.ABSENT, Event.UNCLEAR),
        (State.UNKNOWN, Event.ABSENT, Event.CRASHED),
    }


def test_offered_is_reached_again_only_where_the_record_of_the_yes_is_lost() -> None:
    assert {move[:3] for move in legal() if move[3] is State.OFFERED} == {(State.UNKNOWN, Event.ABSENT, Event.LOST)}


def test_only_what_was_not_sent_is_withdrawn() -> None:
    assert {move[0] for move in legal() if move[3] is State.WITHDRAWN} == {State.OFFERED, State.PLANNED}


def test_final_states_never_open_again() -> None:
    for state, event, _, to in legal():
        if state is State.WITHDRAWN:
            assert to in {State.PREEXISTING, State.CONFLICT}, (state, event)
        elif state in FINAL:
            assert to in {state, State.CONFLICT}, (state, event)


def test_a_conflict_is_left_by_nobody_but_a_human() -> None:
    assert {to for state, _, _, to in legal() if state is State.CONFLICT} == {State.CONFLICT}


def test_what_was_there_before_becomes_this_ledgers_only_by_a_persons_word() -> None:
    left = {(event, to) for state, event, _, to in legal() if state is State.PREEXISTING and to is not state}
    assert left == {(Event.ADOPT, State.ACCEPTED), (Event.MISMATCH, State.CONFLICT)}


@pytest.mark.parametrize("reason", [Event.DUPLICATE, Event.UNLISTED_REFUSAL])
def test_an_order_that_paycools_has_or_refused_oddly_is_never_sent_again(reason: Event) -> None:
    assert after(State.UNKNOWN, Event.ABSENT, reason) is State.UNKNOWN


def test_an_accepted_order_stays_accepted_when_an_inquiry_misses_it() -> None:
    assert after(State.ACCEPTED, Event.ABSENT) is State.ACCEPTED


@pytest.mark.parametrize("state", [state for state in State if state is not State.PLANNED])
def test_nothing_but_a_planned_order_may_be_sent(state: State) -> None:
    with pytest.raises(IllegalMove):
        after(state, Event.SEND, Event.UNCLEAR)


def test_what_may_still_be_sent_is_whatever_may_come_to_be_sending() -> None:
    may: set[State] = {State.SENDING}
    while more := {state for state, _, _, to in legal() if to in may} - may:
        may |= more
    assert may == MAY_BE_SENT
