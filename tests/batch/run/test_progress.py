"""What a run shows of itself: no count is below nothing, and time in which the ledger was away does not count."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from paycools_async.batch import State
from paycools_async.batch.ledger.row import Row
from paycools_async.batch.run.progress import Progress
from paycools_async.testing import ManualClock


def row(state: State) -> Row:
    values: dict[str, Any] = {**dict.fromkeys(attrs.fields_dict(Row)), "state": state, "amount": 500}
    return Row(**values)


@pytest.fixture
def progress(clock: ManualClock) -> Progress:
    found = Progress(clock)
    found.start({State.SENDING: (2, 1000)})
    return found


def test_a_row_that_another_run_has_lost_makes_no_count_negative(progress: Progress) -> None:
    progress.moved(row(State.UNKNOWN), row(State.SETTLED))  # it was `sending` when it was counted
    assert progress.counts == {State.SENDING: (2, 1000)}
    assert progress.is_behind
    progress.recounted({State.SENDING: (1, 500), State.SETTLED: (1, 500)})
    assert not progress.is_behind
    progress.moved(row(State.SENDING), row(State.ACCEPTED))
    assert progress.counts == {State.SENDING: (0, 0), State.ACCEPTED: (1, 500), State.SETTLED: (1, 500)}


def test_time_in_which_the_ledger_was_away_is_not_time_in_which_nothing_moved(
    progress: Progress, clock: ManualClock
) -> None:
    before = progress.forward_at
    progress.held_up(0.5)
    assert progress.forward_at == before
    clock.advance(300)
    progress.held_up(300)
    assert clock.monotonic() - progress.forward_at == 0
