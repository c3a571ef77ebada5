"""What is done about one payout: it is sent, or inquired about, and what comes of it is one move in the ledger.

A row is `sending`, durably, before its request leaves. Nothing is kept here that a crash could lose.
"""

from __future__ import annotations

import math

from ...errors import InvalidRequest, PayCoolsError, RefundRefused
from ...policy import Deadline, Pacing, note_answer
from ...privacy.redaction import redacted
from ...resolving.refunds import ListedWithoutId
from ...times import Clock
from ..ledger.base import Ledger, LedgerError
from ..ledger.payload import digest_of, personal_texts_of
from ..ledger.row import Row
from ..states import NEVER_SENT_AGAIN, Event, IllegalMove, State
from .absence_clock import AbsenceClock
from .options import Options
from .outcomes import event_of_error, event_of_inquiry, pauses_sending, stops_run
from .payout_api import PayoutApi, Shown
from .progress import Progress
from .row_moves import RowMoves
from .stopping import Brake

__all__ = ["Driver"]


class Driver:
    """Sends and inquires, one row at a time; the `Runner` says which, and shares with it what it is made with."""

    def __init__(
        self,
        api: PayoutApi,
        ledger: Ledger,
        options: Options,
        *,
        clock: Clock,
        pace: Pacing,
        brake: Brake,
        progress: Progress,
        absence: AbsenceClock,
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._options = options
        self._clock = clock
        self._pace = pace
        self._brake = brake
        self._moves = RowMoves(ledger, progress)
        self._absence = absence
        self._no_deadline = Deadline(clock, math.inf)
        self._their_clock: float | None = None

    async def send(self, row: Row) -> None:
        """Send a planned row, if everything still says so."""
        text, send = self._api.prepare(row.body)
        if digest_of(text) != row.digest:
            self._brake.stop(
                f"order {row.order_id}: what would be signed is not what was planned "
                "(was the app name changed?); it was not sent"
            )
            return
        sent_at = await self._brake.wait_for(self._pace.wait_turn(self._no_deadline))
        if self._brake.is_on:
            return
        if (row.sent is not None or row.resends) and not await self._is_still_absent(row):
            return
        asked_at = self._clock.monotonic()
        try:
            row = await self._moves.make(row, Event.SEND)
        except IllegalMove:
            return  # it was withdrawn, or its lease had ended and somebody else has it
        if self._clock.monotonic() - asked_at > self._ledger.send_within:
            # so late, the lease could end while the request is under way, and another run would look too early
            await self._moves.make(row, Event.NOT_SENT)
            return
        try:
            taken = await send(not_after=asked_at + min(self._ledger.send_within, self._api.call_timeout))
        except PayCoolsError as error:
            await self._send_failed(row, error, sent_at)
            return
        except Exception as error:  # noqa: BLE001 - a surprise about one payout is no reason to leave the others
            await self._moves.make(row, Event.UNCLEAR, due=self._first_inquiry(), message=f"{type(error).__name__}")
            return
        note_answer(self._pace, sent_at, None)
        self._brake.answered(refused=False)
        if taken.mch_order_id not in (None, row.order_id) or taken.amount not in (None, str(row.amount)):
            message = "PayCools answered with another order or amount than this one"
            await self._moves.make(row, Event.UNCLEAR, due=self._first_inquiry(), message=message)
            return
        # also where the receipt says that it is final: what settles is PayCools' answer about this order id
        await self._moves.make(row, Event.ACCEPTED, due=self._first_inquiry(), transaction_id=taken.transaction_id)

    async def _is_still_absent(self, row: Row) -> bool:
        """Before anything is sent once more, for whatever reason, PayCools is asked: it may have it by now."""
        try:
            answer = await self._api.inquire(row.order_id, fresh=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing is sent now
            await self._inquiry_failed(row, error)
            return False
        if answer is not None:
            await self._apply_answer(row, answer)
        return answer is None

    def _first_inquiry(self) -> float:
        return self._ledger.time() + self._options.first_inquiry_after

    async def _send_failed(self, row: Row, error: PayCoolsError, sent_at: float) -> None:
        event = event_of_error(error)
        trouble = error.__cause__ if isinstance(error.__cause__, PayCoolsError) else error
        note_answer(self._pace, sent_at, trouble)
        if stops_run(error):
            self._brake.stop(str(error))
        elif pauses_sending(error):
            self._brake.pause(str(error))
        if pauses_sending(error):
            await self._ledger.pause(str(error))
        if event in (Event.REJECTED, Event.UNLISTED_REFUSAL):
            await self._refused()
        if event is Event.REJECTED and not isinstance(error, InvalidRequest):
            event, answer = await self._confirmed(row, error)
            if answer is not None:
                await self._apply_answer(row, answer)
                return
        due = self._first_inquiry() if event is not Event.BUSY else self._ledger.time()
        await self._moves.make(row, event, due=due, code=getattr(trouble, "code", None), message=_message(trouble))

    async def _confirmed(self, row: Row, error: PayCoolsError) -> tuple[Event, Shown | None]:
        """A refusal is final if PayCools does not have the order either; it says nothing of an earlier sending.

        A stray answer on a connection, or a proxy that asked twice, would else make "failed" of a payout that is paid.
        """
        try:
            answer = await self._api.inquire(row.order_id, fresh=True)
        except Exception:  # noqa: BLE001 - then it is not known
            return Event.UNLISTED_REFUSAL, None
        # a payment's refund may be refused because it is refunded: by ours, where the lost part of a ledger sent it
        again = row.resends or (row.reason is Event.LOST and isinstance(error, RefundRefused))
        return (Event.UNLISTED_REFUSAL if again else Event.REJECTED), answer

    async def _refused(self) -> None:
        if self._brake.answered(refused=True):
            await self._ledger.pause(self._brake.reason or "")

    async def inquire(self, row: Row) -> None:
        """Ask what became of a row that was sent."""
        decides = self._absence.decides(row)
        try:
            answer = await self._api.inquire(row.order_id, fresh=decides)
        except Exception as error:  # noqa: BLE001 - a surprise about one payout is no reason to leave the others
            await self._inquiry_failed(row, error)
        else:
            if answer is not None:
                await self._apply_answer(row, answer)
            elif decides:
                await self._moves.make(row, Event.ABSENT)
            else:
                await self._absent(row)

    async def _inquiry_failed(self, row: Row, error: Exception) -> None:
        if isinstance(error, LedgerError):
            raise error
        if isinstance(error, PayCoolsError) and stops_run(error):
            self._brake.stop(str(error))
            await self._ledger.pause(str(error))
        elif isinstance(error, ListedWithoutId):
            await self._may_be_there(row, error)
        else:
            await self._inquire_later(row, row.absent_since)

    async def _may_be_there(self, row: Row, error: ListedWithoutId) -> None:
        """Neither presence nor absence: it is not sent again, and a person is told if it stays so."""
        if row.state is State.PLANNED or (row.state is State.UNKNOWN and row.reason not in NEVER_SENT_AGAIN):
            await self._moves.make(row, Event.UNLISTED_REFUSAL, due=self._first_inquiry(), message=_message(error))
        elif row.state is State.UNKNOWN:
            # no absence is believed any more: the time only says when a person is told
            await self._inquire_later(row, row.absent_since or self._ledger.time())
        else:
            await self._inquire_later(row, row.absent_since)

    async def _absent(self, row: Row) -> None:
        now = self._ledger.time()
        due = now + self._options.pause_after(row.inquiries)
        if self._absence.may_come(row):
            decision = self._absence.comes_at(row)
            due = min(due, decision) if decision > now else now + self._options.first_inquiry_after
        await self._ledger.schedule_inquiry(row, due=due, absent_since=row.absent_since or now)

    async def _apply_answer(self, row: Row, answer: Shown) -> None:
        if self._absence.shown(row):  # PayCools may take so long again
            await self._ledger.note_lag(self._absence.longest_lag)
        event = event_of_inquiry(answer, row, answer.created, self._their_clock)
        if answer.contradiction is not None:
            event = Event.MISMATCH
        if answer.created is not None and row.sent is not None and row.state is State.ACCEPTED and row.reason is None:
            # we have its receipt, so we know when; the nearest, for an order may be entered late, and none early
            ahead = answer.created.timestamp() - row.sent
            self._their_clock = ahead if self._their_clock is None else min(ahead, self._their_clock)
        if event is Event.FOUND_PENDING and row.state is State.ACCEPTED:
            await self._inquire_later(row, None)
            return
        message = await self._without_the_recipient(row, answer.failed_message)
        if event is Event.MISMATCH:
            message = f"PayCools knows this order as {answer.transaction_id}, amount {answer.amount}; "
            message += f"here it is {row.transaction_id or 'not known'}, amount {row.amount}"
            message = answer.contradiction or message
        elif event is Event.FOUND_EARLIER:
            message = f"PayCools had this order id before this ledger sent it; there it is {answer.transaction_status}"
        await self._moves.make(
            row,
            event,
            due=self._first_inquiry(),
            transaction_id=answer.transaction_id,
            code=answer.failed_code,
            message=message,
        )

    async def _without_the_recipient(self, row: Row, message: str | None) -> str | None:
        """PayCools' words; a row that was leased for an inquiry comes without its order, so the ledger is asked."""
        if not message:
            return message
        whole = row if row.body else await self._ledger.get(row.order_id)
        return redacted(message, personal_texts_of(whole.body)) if whole is not None and whole.body else message

    async def _inquire_later(self, row: Row, absent_since: float | None) -> None:
        due = self._ledger.time() + self._options.pause_after(row.inquiries)
        await self._ledger.schedule_inquiry(row, due=due, absent_since=absent_since)


def _message(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error)[:300]
