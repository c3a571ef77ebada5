"""A small model of one payout that an application submits, explored in full: its transaction, its sending, its words.

The application writes a loan and submits its payout in one transaction, which commits, rolls back or dies with its
process. Another process may submit the same payout. What is committed is sent; rows move with the table of
`batch/states.py`. Final words are claimed, also by a second process once the first one's time is over; a handler writes
the word into the application's table and acknowledges it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paycools_async.batch.ledger.application import FINAL_WORDS
from paycools_async.batch.states import Event, IllegalMove, State, after

__all__ = ["Explored", "Found", "Model", "World", "explore"]

CALLS = 2
"""Handlers at a time: one, and one whose time was over."""


class Found(Exception):
    """A state that must not be."""


class Call(NamedTuple):
    """A handler at work. `wrote`: its own commit is made, and the mark is not."""

    word: State
    told: str
    wrote: bool = False


class World(NamedTuple):
    """`open`: transactions with the submission that are not committed. `rows`: of the order id, committed."""

    open: int = 0
    loan: bool = False
    rows: tuple[State, ...] = ()
    told: str = ""
    paid: int = 0
    calls: tuple[Call, ...] = ()
    words: tuple[State, ...] = ()
    """What is in the application's table."""


class Model:
    """The rules. Mistakes to plant:

    `sees_uncommitted`: what is submitted can be sent before the transaction commits. `twice`: an order id may enter
    twice. `marks_apart`: the mark is a commit of its own, after the handler's. `marks_first`: it is made before the
    handler is called. `compares_state`: the mark is made unless that very state is marked, whatever was marked when the
    handler was called. `once_told_always`: what was told once is told of nothing else.
    """

    def __init__(
        self,
        *,
        sees_uncommitted: bool = False,
        twice: bool = False,
        marks_apart: bool = False,
        marks_first: bool = False,
        compares_state: bool = False,
        once_told_always: bool = False,
    ) -> None:
        self.sees_uncommitted, self.twice = sees_uncommitted, twice
        self.marks_apart, self.marks_first = marks_apart, marks_first
        self.compares_state, self.once_told_always = compares_state, once_told_always

    def check(self, world: World) -> None:
        """Raises Found."""
        if world.paid > 1:
            raise Found("paid twice")
        if world.paid and not world.rows:
            raise Found("paid, and never submitted")
        if bool(world.rows) != world.loan:
            raise Found("a loan without its payout, or a payout without its loan")
        if len(set(world.words)) < len(world.words):
            raise Found("a word is in the application's table twice")

    def next(self, world: World) -> Iterator[tuple[str, World]]:
        """Every next state and what led to it."""
        yield from self._transaction(world)
        yield from self._row(world)
        yield from self._telling(world)
        if world.open or world.calls:
            yield "the process dies", world._replace(open=0, calls=())

    def _transaction(self, world: World) -> Iterator[tuple[str, World]]:
        if world.open < 2:
            yield "a transaction submits it", world._replace(open=world.open + 1)
        if world.open:
            closed = world._replace(open=world.open - 1)
            yield "it rolls back", closed
            if not world.rows or (self.twice and len(world.rows) < 2):
                yield "it commits", closed._replace(loan=True, rows=(*world.rows, State.PLANNED))
            else:
                yield "it commits, and finds the payout there", closed

    def _row(self, world: World) -> Iterator[tuple[str, World]]:
        if self.sees_uncommitted and world.open and not world.rows and not world.paid:
            yield "it is sent before the commit", world._replace(paid=1)
        for number, state in enumerate(world.rows):
            for event in Event:
                if event in (Event.LOST, Event.WITHDRAW, Event.ABSENT):  # other models have these
                    continue
                try:
                    moved = after(state, event)
                except IllegalMove:
                    continue
                paid = world.paid + (state is State.SENDING and event is Event.ACCEPTED)
                if moved is not state:
                    rows = (*world.rows[:number], moved, *world.rows[number + 1 :])
                    yield f"{event}", world._replace(rows=rows, paid=paid)

    def _telling(self, world: World) -> Iterator[tuple[str, World]]:
        state = world.rows[0] if world.rows else None
        # in doubt it may be told of too, and what it comes to is told later
        is_due = (
            (state in FINAL_WORDS or state is State.UNKNOWN)
            and world.told != state
            and not (self.once_told_always and world.told)
        )
        if state is not None and is_due and len(world.calls) < CALLS:
            told = state.value if self.marks_first else world.told
            claimed = world._replace(calls=(*world.calls, Call(state, world.told)), told=told)
            yield f"a handler is called: {state}", claimed
        for number, call in enumerate(world.calls):
            left = world._replace(calls=(*world.calls[:number], *world.calls[number + 1 :]))
            yield "a handler fails", left
            if call.wrote:
                yield "it is marked", left._replace(told=call.word.value)
            elif self.marks_apart:
                calls = (*left.calls, call._replace(wrote=True))
                yield "a handler commits", left._replace(calls=calls, words=(*world.words, call.word))
            elif self.marks_first:
                yield "a handler commits", left._replace(words=(*world.words, call.word))
            elif self._may_mark(world, call):
                marked = left._replace(told=call.word.value, words=(*world.words, call.word))
                yield "a handler commits with its mark", marked
            else:
                yield "a handler finds that it was marked before", left

    def _may_mark(self, world: World, call: Call) -> bool:
        if self.compares_state:
            return world.told != call.word
        return world.told == call.told

    def is_end(self, world: World) -> bool:
        """Whether nothing more has to come: nothing was submitted, or the last word is in the application's table."""
        if not world.rows:
            return not world.open
        return world.rows[0] in FINAL_WORDS and world.told == world.rows[0] and world.rows[0] in world.words


class Explored(NamedTuple):
    """`stuck`: states from which no way leads to an end."""

    states: int
    stuck: list[World]
    words: frozenset[State]


def explore(model: Model) -> Explored:
    """Breadth-first until nothing new appears. Raises Found, with the shortest way there."""
    start = World()
    came: dict[World, tuple[World, str] | None] = {start: None}
    back: dict[World, set[World]] = {start: set()}
    level = [start]
    while level:
        coming: list[World] = []
        for world in level:
            try:
                model.check(world)
            except Found as found:
                raise Found(f"{found}: {', '.join(_way(came, world))}") from None
            for what, reached in model.next(world):
                if reached not in came:
                    came[reached], back[reached] = (world, what), set()
                    coming.append(reached)
                back[reached].add(world)
        level = coming
    ends = [world for world in came if model.is_end(world)]
    good, todo = set(ends), ends
    while todo:
        for before in back[todo.pop()] - good:
            good.add(before)
            todo.append(before)
    words = frozenset(word for world in came for word in world.words)
    return Explored(len(came), [world for world in came if world not in good], words)


def _way(came: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    steps: list[str] = []
    while (step := came[world]) is not None:
        world = step[0]
        steps.append(step[1])
    return steps[::-1]
