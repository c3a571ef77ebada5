"""The payout machine explored in full against a model of PayCools that takes no care: every state there can be.

See model.py for what is modelled, exploring.py for the search. Run with `pytest -s` to see how many states there are.
"""

from __future__ import annotations

from typing import Any

import pytest
from batch.exploring import Explored, explore
from batch.model import Found, Model
from support.size import full_only

from paycools_async.batch.states import Event, Reason, State, after


def told(what: str, found: Explored) -> None:
    print(f"\n{what}: {found.states} states, {found.steps} steps, {found.deepest} deep")  # noqa: T201 - shown with -s


OWNERS: dict[str, Any] = {"leases": True, "lag": 1, "fuse": 1, "patience": 3}
"""Two owners, of which the first lives on, or is frozen, after the second took over."""


def test_one_order_is_paid_at_most_once_whatever_happens_and_always_has_a_way_to_its_end() -> None:
    """Yes, no, edits, answers, losses, crashes, restarts, callbacks and inquiries in every order."""
    found = explore(Model())
    told("one order", found)
    assert found.states > 500
    assert found.stuck == []
    assert {state for state, _ in found.rows} == set(State) - {State.CONFLICT}, "nothing here makes a conflict"
    reasons = {reason for state, reason in found.rows if state is State.UNKNOWN}
    assert reasons == {Event.UNCLEAR, Event.CRASHED, Event.DUPLICATE, Event.UNLISTED_REFUSAL}


@full_only
def test_two_orders_in_two_batches_under_one_worker_do_not_disturb_each_other() -> None:
    """Small enough by three things: one worker, the shortest patience there is, and a pair counts once either way."""
    found = explore(Model(workers=1, patience=1, lag=0), orders=2)
    told("two orders", found)
    assert found.states > 25_000
    assert found.stuck == []


@full_only
def test_a_second_owner_is_sound_if_writes_name_their_attempt_and_first_bytes_have_a_deadline() -> None:
    """The earlier owner goes on with what it holds, is frozen and wakes, and is told all sorts of things."""
    found = explore(Model(**OWNERS))
    told("one order, two owners", found)
    assert found.states > 3_000
    assert found.stuck == []


@pytest.mark.parametrize("owners", [{}, pytest.param(OWNERS, marks=full_only)], ids=["one", "two"])
def test_a_refund_that_may_be_listed_without_its_id_is_made_at_most_once_and_has_a_way_to_its_end(owners: Any) -> None:
    found = explore(Model(without_ids=True, **owners))
    told("one refund", found)
    assert found.stuck == []
    assert (State.UNKNOWN, Event.UNLISTED_REFUSAL) in found.rows


def test_a_refund_listed_without_its_id_that_counts_as_absent_is_found() -> None:
    model = Model(without_ids=True, perhaps_is_absence=True)
    with pytest.raises(Found, match="although PayCools has it"):
        explore(model)
    model.guarded = False
    with pytest.raises(Found, match="paid") as caught:
        explore(model)
    assert "perhaps, so absent" in str(caught.value)


def test_that_a_row_is_in_the_same_state_is_not_enough_under_two_owners() -> None:
    """Sending, unknown, planned and sending again looks like the same sending to a worker that lost the ledger."""
    with pytest.raises(Found, match="takes over"):
        explore(Model(**OWNERS, fenced=False))


def test_a_frozen_sender_that_may_still_send_when_it_wakes_pays_twice() -> None:
    model = Model(**OWNERS | {"fuse": 99})
    model.guarded = False
    with pytest.raises(Found, match="paid") as caught:
        explore(model)
    assert "lost worker: sends" in str(caught.value)


def test_a_yes_that_reaches_further_than_what_was_shown_is_found() -> None:
    with pytest.raises(Found, match="sent without a person's yes"):
        explore(Model(workers=1, patience=1, lag=0, yes_to_all=True), orders=2)


def test_a_refused_order_that_is_entered_as_planned_when_it_is_offered_again_is_found() -> None:
    with pytest.raises(Found, match="sent without a person's yes") as caught:
        explore(Model(offered_again_as=State.PLANNED))
    assert "takes it back" in str(caught.value)


def test_a_refusal_that_leaves_the_order_planned_is_found() -> None:
    with pytest.raises(Found, match="sent without a person's yes"):
        explore(spoiled(State.OFFERED, Event.WITHDRAW, None, State.PLANNED))


def test_calling_settled_what_was_there_before_is_found() -> None:
    with pytest.raises(Found, match="paid by this ledger 0 times"):
        explore(Model(believes_old_orders=True))


def test_sending_again_as_often_as_absence_is_seen_is_not_needed_for_an_end() -> None:
    """At most one re-send, none at all: every order still ends, some of them with a person."""
    assert explore(Model(resends=0)).stuck == []


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
        # sent again although PayCools said it has the order
        (State.SENDING, Event.DUPLICATE, None, State.PLANNED),
        # a refusal that is on no list, believed
        (State.SENDING, Event.UNLISTED_REFUSAL, None, State.FAILED),
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
