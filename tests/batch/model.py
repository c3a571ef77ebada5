"""A small model of runs over a ledger, of the people before it, and of a PayCools that takes no care, explored in full.

One order is its row on disk, what a person said of it, what PayCools has of it, the hand of the worker that holds it,
and the hand of an earlier worker that lost the ledger or its lease, perhaps frozen, and does not know it yet.
Everything that can happen to them is a rule that yields the next states; rows move with the table of `batch/states.py`
(or a spoiled copy) and decisions are those of `batch/run/driver.py`. Time is counted in ticks: `patience` is the time
from the last byte until an absence is believed, `lag` the ticks within which what has left is booked and shown, `fuse`
the ticks after the commit of `sending` within which a first byte may still leave. The design is sound while fuse + lag
< patience.

PayCools here pays again whenever it is asked again; saying "duplicate" instead is only one of its choices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

from paycools_async.batch.states import FINAL, NEVER_SENT_AGAIN, REASONS, Event, IllegalMove, Reason, State, after

Table = Callable[[State, Event, Reason | None], State]

LIVE = -1
"""The request is in the network, and its sender waits for the answer."""
ENDLESS = -1
"""PayCools has the order and does not show it, for as long as it likes."""

READY = "ready"
"""The sending is committed, and its first byte has not left."""

_CLAIMS = frozenset(
    {Event.FOUND_PENDING, Event.FOUND_COMPLETE, Event.FOUND_FAILED, Event.FOUND_EARLIER, Event.MISMATCH}
)
_WORD = {
    "pending": Event.FOUND_PENDING,
    "complete": Event.FOUND_COMPLETE,
    "failed": Event.FOUND_FAILED,
    "earlier": Event.FOUND_EARLIER,
}


class Row(NamedTuple):
    """The ledger's row. `since`: ticks since it became unknown; `missed`: an inquiry has found nothing since."""

    state: State = State.OFFERED
    reason: Reason | None = None
    since: int | None = None
    missed: bool = False
    resent: bool = False


class There(NamedTuple):
    """PayCools' side. `hidden`: ticks until inquiries find it; `wire`: a request still under way; `paid`: how often.

    `before`: what it has under the order id was there before this ledger sent anything.
    """

    status: str | None = None
    hidden: int | None = None
    wire: int | None = None
    paid: int = 0
    before: bool = False


class Hand(NamedTuple):
    """What a worker is doing: waiting for an answer (`word` None), about to send, or holding an inquiry's answer.

    `decides`: its inquiry may end the waiting. `fresh`: the row was not sent again since. `age`: ticks since it
    committed its sending.
    """

    state: State
    word: str | None = None
    decides: bool = False
    fresh: bool = True
    age: int = 0


class Order(NamedTuple):
    row: Row = Row()
    there: There = There()
    hand: Hand | None = None
    lost: Hand | None = None
    yes: bool = False
    """Whether a person has said yes to what stands in the row."""


class World(NamedTuple):
    """Each order is a batch of its own."""

    up: bool = True
    orders: tuple[Order, ...] = (Order(),)


class Found(Exception):
    """The exploration found a state that must not be."""


class Model:
    """The rules. `leases`: another owner may take over from one that still lives; `fenced`: writes name their attempt.

    `without_ids`: it is refunds, and PayCools may list one without its id at any time, this one or another: "perhaps".

    Mistakes to plant: `perhaps_is_absence` (what is listed without its id is not ours), `yes_to_all` (a yes releases
    what others offered), `believes_old_orders` (nobody looks at when PayCools entered an order), `offered_again_as`
    (the state of what was refused and is offered again).
    """

    def __init__(
        self,
        *,
        table: Table = after,
        patience: int = 2,
        lag: int = 1,
        fuse: int = 0,
        leases: bool = False,
        fenced: bool = True,
        workers: int = 2,
        yes_to_all: bool = False,
        believes_old_orders: bool = False,
        offered_again_as: State = State.OFFERED,
        resends: int = 1,
        without_ids: bool = False,
        perhaps_is_absence: bool = False,
    ) -> None:
        self.table, self.patience, self.lag, self.fuse = table, patience, lag, fuse
        self.leases, self.fenced, self.workers = leases, fenced, workers
        self.yes_to_all, self.believes_old_orders = yes_to_all, believes_old_orders
        self.offered_again_as, self.resends = offered_again_as, resends
        self.without_ids, self.perhaps_is_absence = without_ids, perhaps_is_absence
        self.guarded = True
        """Whether a move back to planned is judged at once, and not only by what comes of it."""
        self._known: dict[tuple[Order, bool, bool], list[tuple[str, Order]]] = {}

    # -- one order ----------------------------------------------------------------------------------------------

    def rules(self, order: Order, up: bool, free: bool) -> list[tuple[str, Order]]:
        """Everything that can happen to one order next, the clock and crashes aside."""
        found = self._known.get((order, up, free))
        if found is None:
            found = self._known[order, up, free] = list(self._rules(order, up, free))
        return found

    def _rules(self, order: Order, up: bool, free: bool) -> Iterator[tuple[str, Order]]:
        yield from self._paycools(order)
        yield from self._callback(order)
        yield from self._person(order)
        if up and order.hand is None and free:
            yield from self._take(order)
        if order.hand is not None:
            done = order._replace(hand=None)
            yield from self._work(order, order.hand, done, "")
        if order.lost is not None:
            yield from self._work(order, order.lost, order._replace(lost=None), "lost worker: ")

    def _person(self, order: Order) -> Iterator[tuple[str, Order]]:
        """Refuses, takes back, edits and offers again. The yes is in `next`, for it may reach further than meant."""
        state = order.row.state
        if state is State.OFFERED or (state is State.PLANNED and not order.row.resent):
            yield "a person takes it back", self._move(order, Event.WITHDRAW)._replace(yes=False)
        if state is State.WITHDRAWN:
            again = Order(row=Row(self.offered_again_as), there=order.there, lost=order.lost)
            yield "a person edits it and offers it again", again

    def _paycools(self, order: Order) -> Iterator[tuple[str, Order]]:
        there = order.there
        if there.wire is not None:
            # careless: it does not look whether it has the order already
            booked = there._replace(status="pending", wire=None, paid=there.paid + 1, before=False)
            left = self.lag if there.wire == LIVE else there.wire
            for hidden in (None, *range(left + 1)):
                yield f"PayCools books it (shown after {hidden})", order._replace(there=booked._replace(hidden=hidden))
        if there.hidden is not None:
            yield "PayCools shows it", order._replace(there=there._replace(hidden=None))
        if there.status == "pending":
            yield "PayCools completes it", order._replace(there=there._replace(status="complete"))
            gone = there._replace(status="failed", paid=there.paid - 1)
            yield "PayCools fails it", order._replace(there=gone)
        if there == There() and order.row == Row():
            yield "it was paid by other means", order._replace(there=There(status="complete", before=True))

    def _callback(self, order: Order) -> Iterator[tuple[str, Order]]:
        """At any time, any number of times, in any state, also before inquiries show the order."""
        if order.there.status is not None:
            event = self._event(order.row, order.there)
            yield f"callback: {event}", self._found(order, event)

    def _event(self, row: Row, there: There) -> Event:
        """What PayCools' record says of our row, as `resolver.event_of_inquiry` decides it."""
        assert there.status is not None
        never_sent = row.state in (State.OFFERED, State.PLANNED, State.WITHDRAWN) and not row.resent
        refused_for_it = row.state is State.UNKNOWN and row.reason is Event.DUPLICATE and not row.resent
        if (never_sent or refused_for_it or there.before) and not self.believes_old_orders:
            return Event.FOUND_EARLIER
        return _WORD[there.status]

    def _take(self, order: Order) -> Iterator[tuple[str, Order]]:
        row, there = order.row, order.there
        if self.without_ids and (row.resent if row.state is State.PLANNED else row.state is State.UNKNOWN):
            yield from self._take_perhaps(order)
        if row.state is State.PLANNED:
            if not order.yes:
                raise Found("sent without a person's yes")
            sending = self._move(order, Event.SEND)
            if self.guarded and there.wire is not None:
                raise Found("sent while an earlier request is still under way")
            lost = order.lost and order.lost._replace(fresh=False)
            if self.leases:
                yield "commits the sending", sending._replace(hand=Hand(State.SENDING, READY), lost=lost)
            else:
                hand = Hand(State.SENDING)
                yield "send", sending._replace(there=there._replace(wire=LIVE), hand=hand, lost=lost)
        elif row.state is State.ACCEPTED or row.state is State.UNKNOWN:
            shown = there.status is not None and there.hidden is None
            word = (there.status if shown else None) or "absent"
            if shown and self._event(row, there) is Event.FOUND_EARLIER:
                word = "earlier"
            decides = row.since is not None and row.missed and row.since >= self.patience and self._may_be_absent(row)
            if (
                word in ("complete", "failed", "earlier")
                or (row.state is State.UNKNOWN and word == "pending")
                or (row.state is State.UNKNOWN and (decides or not row.missed))
            ):  # else nothing comes of it
                yield f"inquiry: {word}", order._replace(hand=Hand(row.state, word, decides))

    def _take_perhaps(self, order: Order) -> Iterator[tuple[str, Order]]:
        row = order.row
        if not self.perhaps_is_absence:
            if row.reason not in NEVER_SENT_AGAIN:  # else nothing comes of it
                yield "inquiry: perhaps", order._replace(hand=Hand(row.state, "perhaps"))
        elif row.state is State.UNKNOWN and self._may_be_absent(row):
            decides = row.since is not None and row.missed and row.since >= self.patience
            yield "inquiry: perhaps, so absent", order._replace(hand=Hand(row.state, "absent", decides))

    def _may_be_absent(self, row: Row) -> bool:
        return row.reason not in NEVER_SENT_AGAIN and int(row.resent) < self.resends

    def _work(self, order: Order, hand: Hand, done: Order, who: str) -> Iterator[tuple[str, Order]]:
        if hand.word == READY:
            yield from self._first_byte(order, hand, done, who)
        elif hand.word is None:
            for told, event, there in self._answers(order.there, bool(who)):
                yield f"{who}{told}: {event}", self._write(done._replace(there=there), hand, event)
        elif hand.word == "perhaps":
            yield f"{who}writes that it may be there", self._write(done, hand, Event.UNLISTED_REFUSAL)
        elif hand.word != "absent":
            yield f"{who}writes {hand.word}", self._write(done, hand, _WORD[hand.word])
        elif hand.decides:
            yield f"{who}writes absent", self._write(done, hand, Event.ABSENT)
        else:
            yield f"{who}notes an absence", self._note_absence(done, hand)

    def _first_byte(self, order: Order, hand: Hand, done: Order, who: str) -> Iterator[tuple[str, Order]]:
        """It leaves, unless the commit is too long ago by then: a worker may have been frozen in between."""
        if hand.age > self.fuse:
            yield f"{who}too late: not sent", self._write(done, hand, Event.NOT_SENT)
            return
        if self.guarded and order.there.wire is not None:
            raise Found(f"{who}sends while another request is under way")
        if who:  # nobody waits for it any more; it arrives within the lag
            yield (
                f"{who}sends",
                order._replace(there=order.there._replace(wire=self.lag), lost=hand._replace(word=None, age=0)),
            )
        else:
            yield "sends", order._replace(there=order.there._replace(wire=LIVE), hand=hand._replace(word=None, age=0))

    def _answers(self, there: There, lost: bool) -> Iterator[tuple[str, Event, There]]:
        """What can come back to a sender. What a lost worker is told is not even asked to be true."""
        gone = there._replace(wire=None)
        if lost:
            for event in (Event.NOT_SENT, Event.BUSY, Event.REJECTED, Event.ACCEPTED, Event.UNCLEAR):
                yield "late answer", event, there
        elif there.wire == LIVE:
            for event in (
                Event.NOT_SENT,
                Event.BUSY,
                Event.MERCHANT_REFUSED,
                Event.REJECTED,
                Event.UNLISTED_REFUSAL,
                Event.UNCLEAR,
            ):
                yield "nothing was done", event, gone
            yield "time out", Event.UNCLEAR, there._replace(wire=self.lag)
            if there.status is not None:
                yield "it has the id", Event.DUPLICATE, gone
            # a gateway that asked twice: the first asking is booked, out of sight, and the second is refused
            slow = There(status="pending", hidden=ENDLESS, wire=None, paid=there.paid + 1)
            yield "asked twice on the way", Event.DUPLICATE, slow
        else:
            for event in (Event.ACCEPTED, Event.UNCLEAR, Event.UNLISTED_REFUSAL, Event.DUPLICATE):
                yield "it was booked", event, there

    # -- the ledger ---------------------------------------------------------------------------------------------

    def _move(self, order: Order, event: Event) -> Order:
        row = order.row
        state = self.table(row.state, event, row.reason)
        if self.guarded and state in (State.PLANNED, State.WITHDRAWN) and _has(order.there):
            raise Found(f"{row.state} became {state} by {event} although PayCools has it, or is about to")
        if not _forward(row.state, state):
            raise Found(f"{row.state} went back to {state} by {event}")
        unknown = state is State.UNKNOWN
        reason = event if event in REASONS else row.reason
        resent = row.resent or (row.state is State.UNKNOWN and state is State.PLANNED)
        return order._replace(row=Row(state, reason if unknown else None, 0 if unknown else None, resent=resent))

    def _found(self, order: Order, event: Event) -> Order:
        try:
            state = self.table(order.row.state, event, order.row.reason)
        except IllegalMove:
            return order
        return order if state is order.row.state else self._move(order, event)

    def _holds(self, order: Order, hand: Hand) -> bool:
        return order.row.state is hand.state and (hand.fresh or not self.fenced)

    def _write(self, order: Order, hand: Hand, event: Event) -> Order:
        if self._holds(order, hand):
            if event in _CLAIMS:
                return self._found(order, event)
            return self._move(order, event)
        # overtaken: what PayCools says of the order is still true, what became of an attempt is not
        return self._found(order, event) if event in _CLAIMS else order

    def _note_absence(self, order: Order, hand: Hand) -> Order:
        return order._replace(row=order.row._replace(missed=True)) if self._holds(order, hand) else order

    # -- the whole ----------------------------------------------------------------------------------------------

    def next(self, world: World) -> Iterator[tuple[str, World]]:
        """Every next state and what led to it."""
        free = sum(order.hand is not None for order in world.orders) < self.workers
        for n, order in enumerate(world.orders):
            for what, changed in self.rules(order, world.up, free):
                orders = (*world.orders[:n], changed, *world.orders[n + 1 :])
                yield what, World(world.up, orders)
            if order.row.state is State.OFFERED:
                yield "a person says yes to a batch", world._replace(orders=self._yes(world.orders, n))
        ticked = [self._tick(order) for order in world.orders]
        if None not in ticked:
            yield "time passes", world._replace(orders=tuple(order for order in ticked if order is not None))
        if world.up:
            for fates in itertools.product(*(self._crash(order) for order in world.orders)):
                yield "crash", World(False, fates)
        else:
            yield "restart", World(True, tuple(self._recover(order) for order in world.orders))
        if world.up and self.leases:
            for fates in itertools.product(*(self._crash(order) for order in world.orders)):
                taken = [
                    self._recover(new)._replace(lost=old.hand or old.lost)
                    for new, old in zip(fates, world.orders, strict=True)
                ]
                yield "the lease runs out, another run takes over", World(True, tuple(taken))

    def _yes(self, orders: tuple[Order, ...], chosen: int) -> tuple[Order, ...]:
        """A yes to one batch. Planted: it reaches whatever is offered."""
        found = list(orders)
        for n, order in enumerate(orders):
            if order.row.state is State.OFFERED and (n == chosen or self.yes_to_all):
                found[n] = self._move(order, Event.RELEASE)._replace(yes=n == chosen)
        return tuple(found)

    def _tick(self, order: Order) -> Order | None:
        """One tick later. None: something has to happen before that."""
        row, there, hand = order.row, order.there, order.hand
        if there.wire == 0 or there.hidden == 0:
            return None
        waiting = hand is not None and hand.word is None and there.wire in (None, LIVE)
        if there.wire not in (None, LIVE):
            there = there._replace(wire=(there.wire or 0) - 1)
        if there.hidden not in (None, ENDLESS) and not waiting:  # the lag counts from when the sender gave up
            there = there._replace(hidden=(there.hidden or 0) - 1)
        since = None if row.since is None else min(row.since + 1, self.patience)
        return order._replace(
            row=row._replace(since=since), there=there, hand=self._older(hand), lost=self._older(order.lost)
        )

    def _older(self, hand: Hand | None) -> Hand | None:
        return hand._replace(age=min(hand.age + 1, self.fuse + 1)) if hand is not None and hand.word == READY else hand

    def _crash(self, order: Order) -> list[Order]:
        """What the worker did is lost, its request either with it or not."""
        there = order.there
        if there.wire != LIVE:
            return [order._replace(hand=None)]
        wires = (None, self.lag)
        return [order._replace(hand=None, there=there._replace(wire=wire)) for wire in wires]

    def _recover(self, order: Order) -> Order:
        return self._move(order, Event.CRASHED) if order.row.state is State.SENDING else order

    def check(self, world: World) -> None:
        """What must hold in every state."""
        for row, there, *_ in world.orders:
            if there.paid > 1:
                raise Found("paid twice")
            if row.state is State.SETTLED and (there.status != "complete" or there.paid == 0):
                raise Found(f"settled here, {there.status} there, paid by this ledger {there.paid} times")
            if row.state is State.FAILED and _has(there):
                raise Found("failed here, and paid there")
            if self.guarded and row.state in (State.OFFERED, State.PLANNED, State.WITHDRAWN) and _has(there):
                raise Found(f"{row.state}, and PayCools has it or is about to")


def _has(there: There) -> bool:
    """Whether money has moved, or is about to."""
    return there.paid > 0 or there.wire is not None


_RANK = {State.OFFERED: -1, State.PLANNED: 0, State.SENDING: 1, State.UNKNOWN: 2, State.ACCEPTED: 3, State.CONFLICT: 9}


def _forward(old: State, new: State) -> bool:
    """Forward, or back to planned from where that is allowed; `_move` has seen that nothing was paid."""
    back = new is State.PLANNED and old in (State.SENDING, State.UNKNOWN)
    return back or (_RANK.get(old, 4) <= _RANK.get(new, 4) and not (old in FINAL and new in FINAL and old is not new))
