"""The search through every state of the model in model.py, and the shortest way to one that must not be."""

from __future__ import annotations

from typing import NamedTuple

from batch.model import Found, Model, Order, Row, World

from paycools_async.batch.states import FINAL, Event, Reason, State


class Explored(NamedTuple):
    """Every state that can be reached, and how many steps lie between them."""

    states: int
    steps: int
    deepest: int
    stuck: list[World]
    """States from which no way leads to an end."""
    rows: frozenset[tuple[State, Reason | None]]


def explore(model: Model, orders: int = 1) -> Explored:
    """Breadth-first from the start until nothing new appears. Raises Found, with the shortest way there.

    Orders are alike, so a state is kept once for all their permutations.
    """
    start = World(True, (Order(),) * orders)
    came: dict[World, tuple[World, str] | None] = {start: None}
    back: dict[World, list[World]] = {start: []}
    level, depth, steps = [start], 0, 0
    while level:
        coming = []
        for world in level:
            try:
                model.check(world)
                for what, reached in model.next(world):
                    steps += 1
                    if orders > 1:
                        reached = reached._replace(orders=tuple(sorted(reached.orders, key=_key)))
                    if reached not in came:
                        came[reached] = (world, what)
                        back[reached] = []
                        coming.append(reached)
                    back[reached].append(world)
            except Found as found:
                raise Found(f"{found}\n" + "\n".join(_way(came, world))) from None
        level, depth = coming, depth + 1
    return Explored(
        states=len(came),
        steps=steps,
        deepest=depth - 1,
        stuck=_without_end(back, model),
        rows=frozenset((order.row.state, order.row.reason) for world in came for order in world.orders),
    )


_KEYS: dict[Order, int] = {}


def _key(order: Order) -> int:
    """Any order will do, as long as it is always the same."""
    return _KEYS.setdefault(order, len(_KEYS))


def _way(came: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    steps = []
    at = came[world]
    while at is not None:
        steps.append(at[1])
        at = came[at[0]]
    return steps[::-1]


_FOR_A_PERSON = frozenset({State.CONFLICT, State.PREEXISTING, State.OFFERED})


def _is_end(row: Row, model: Model) -> bool:
    """Final, or for a person: also what stays unknown because nothing is gained by sending it again."""
    spent = int(row.resent) >= model.resends
    doubtful = row.state is State.UNKNOWN and (spent or row.reason in (Event.DUPLICATE, Event.UNLISTED_REFUSAL))
    return row.state in FINAL or row.state in _FOR_A_PERSON or doubtful


def _without_end(back: dict[World, list[World]], model: Model) -> list[World]:
    """States that no end can be reached from, walking the steps backwards from all ends."""
    reached = {world for world in back if all(_is_end(order.row, model) for order in world.orders)}
    waiting = list(reached)
    while waiting:
        for before in back[waiting.pop()]:
            if before not in reached:
                reached.add(before)
                waiting.append(before)
    return [world for world in back if world not in reached]
