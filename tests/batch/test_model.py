"""The payout machine explored in full against a model of PayCools that takes no care: every state there can be.

See model.py for what is modelled, exploring.py for the search. Run with `pytest -s` to see how many states there are.
"""

from __future__ import annotations

import pytest
from batch.exploring import Explored, explore
from batch.model import Found, Model

from paycools_async.batch.states import Event, Reason, State, after


def told(what: str, found: Explored) -> None:
    print(f"\n{what}: {found.states} states, {found.steps} steps, {found.deepest} deep")  # noqa: T201 - shown with -s


def test_one_order_is_paid_at_most_once_whatever_happens_and_always_has_a_way_to_its_end() -> None:
    """Answers, losses, crashes, restarts, callbacks and inquiries in every order."""
    found = explore(Model())
    told("one order", found)
    assert found.states > 500
    assert found.stuck == []
    assert {state for state, _ in found.rows} == set(State), "the exploration reaches every state of the machine"
    reasons = {reason for state, reason in found.rows if state is State.UNKNOWN}
    assert reasons == {Event.UNCLEAR, Event.CRASHED, Event.DUPLICATE, Event.DOUBTED}


def test_two_orders_under_one_worker_do_not_disturb_each_other() -> None:
    """Small enough by three things: one worker, the shortest patience there is, and a pair counts once either way."""
    found = explore(Model(workers=1, patience=1, lag=0), orders=2)
    told("two orders", found)
    assert found.states > 25_000
    assert found.stuck == []


def test_a_run_that_takes_over_from_one_still_alive_is_sound_if_writes_name_their_attempt() -> None:
    """Leases: the earlier worker goes on for a while with what it holds, and is told all sorts of things."""
    found = explore(Model(leases=True))
    told("one order, two runs", found)
    assert found.states > 3_000
    assert found.stuck == []


def test_that_a_row_is_in_the_same_state_is_not_enough_under_leases() -> None:
    """Sending, unknown, planned and sending again looks like the same sending to a worker that lost its lease."""
    with pytest.raises(Found, match="the lease runs out"):
        explore(Model(leases=True, fenced=False))


def spoiled(state: State, event: Event, reason: Reason | None, instead: State) -> Model:
    """The machine with one mistake."""

    def table(now: State, happened: Event, why: Reason | None) -> State:
        if (now, happened, why) == (state, event, reason):
            return instead
        return after(now, happened, why)

    return Model(table=table)


@pytest.mark.parametrize(
    ("state", "event", "reason", "instead"),
    [
        # sent again without an inquiry after an unclear answer
        (State.SENDING, Event.UNCLEAR, None, State.PLANNED),
        (State.SENDING, Event.CRASHED, None, State.PLANNED),
        (State.SENDING, Event.DOUBTED, None, State.FAILED),
        # sent again although PayCools said it has the order
        (State.UNKNOWN, Event.ABSENT, Event.DUPLICATE, State.PLANNED),
        (State.UNKNOWN, Event.ABSENT, Event.DUPLICATE, State.FAILED),
        (State.UNKNOWN, Event.FOUND_PENDING, Event.UNCLEAR, State.SETTLED),
        (State.ACCEPTED, Event.FOUND_FAILED, None, State.PLANNED),
        (State.ACCEPTED, Event.FOUND_FAILED, None, State.SETTLED),
        (State.SENDING, Event.ACCEPTED, None, State.SETTLED),
    ],
)
def test_a_planted_mistake_is_found(state: State, event: Event, reason: Reason | None, instead: State) -> None:
    with pytest.raises(Found):
        explore(spoiled(state, event, reason, instead))


def test_a_payout_paid_twice_is_what_such_a_mistake_leads_to() -> None:
    """Without the guard on the move itself, the money is what gives the mistake away."""
    model = spoiled(State.SENDING, Event.UNCLEAR, None, State.PLANNED)
    model.guarded = False
    with pytest.raises(Found, match="paid twice") as caught:
        explore(model)
    assert str(caught.value).count("send") >= 2


def test_a_machine_that_ends_nowhere_is_found() -> None:
    """An order that inquiries never find and that is never given up has no way to an end."""

    def table(now: State, happened: Event, why: Reason | None) -> State:
        after(now, happened, why)
        return State.UNKNOWN if now is State.UNKNOWN else after(now, happened, why)

    assert explore(Model(table=table)).stuck != []


def test_patience_must_exceed_paycools_lag() -> None:
    """The one assumption: what was sent is found by inquiry within `absent_after` of the sender's giving up."""
    with pytest.raises(Found, match="time passes"):
        explore(Model(patience=2, lag=2))
