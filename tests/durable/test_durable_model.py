"""Submission, rollback and acknowledgement, explored in full; each planted mistake is found."""

from __future__ import annotations

import pytest
from durable.model import Found, Model, explore

from paycools_async.batch import State


def test_a_payout_is_paid_once_if_its_transaction_commits_and_each_word_is_written_once() -> None:
    found = explore(Model())
    print(f"\none submission: {found.states} states")  # noqa: T201 - shown with -s
    assert found.states > 500
    assert found.stuck == []
    assert found.words == {State.SETTLED, State.FAILED, State.PREEXISTING, State.CONFLICT, State.UNKNOWN}


@pytest.mark.parametrize(
    ("mistake", "what"),
    [
        ("sees_uncommitted", "paid, and never submitted"),
        ("twice", "paid twice"),
        ("marks_apart", "a word is in the application's table twice"),
        ("compares_state", "a word is in the application's table twice"),
    ],
)
def test_a_planted_mistake_is_found(mistake: str, what: str) -> None:
    with pytest.raises(Found, match=what):
        explore(Model(**{mistake: True}))


@pytest.mark.parametrize("mistake", ["marks_first", "once_told_always"])
def test_a_word_that_is_lost_is_found(mistake: str) -> None:
    assert explore(Model(**{mistake: True})).stuck != []
