"""How a ledger stands, in numbers for a dashboard."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from typing import Any

import attrs

from ..errors import (
    ApiError,
    AuthenticationError,
    ChannelClosed,
    ClockError,
    InsufficientBalance,
    IpNotAllowedError,
    MerchantUnavailable,
)
from ..result_codes import GLOBAL_CODES, PH_CODES
from .ledger.base import Counts, Ledger
from .ledger.postgres import queries
from .states import OPEN, State

__all__ = ["LedgerGauges", "PauseReason", "SharedGauges", "ledger_gauges", "pause_reason", "shared_gauges"]


@attrs.frozen(kw_only=True)
class LedgerGauges:
    """Rows in every state (0 where there are none), the backlog, and how old the oldest of it is."""

    rows: dict[State, int]
    backlog: int
    """Rows that were released and are not at their end: planned, sending, unknown or accepted."""
    oldest_age: float | None
    """Seconds since the oldest of these was entered; None where there is none."""


async def ledger_gauges(ledger: Ledger, counts: Counts | None = None) -> LedgerGauges:
    """Two questions to the ledger: not to be asked every second of one with millions of rows. Raises LedgerError.

    `counts`: what `ledger.counts()` has just said, where it was asked anyhow.
    """
    if counts is None:
        counts = await ledger.counts()
    entered = await ledger.oldest_open()
    rows = {state: counts.get(state, (0, 0))[0] for state in State}
    return LedgerGauges(
        rows=rows,
        backlog=sum(rows[state] for state in OPEN),
        oldest_age=None if entered is None else max(0.0, ledger.time() - entered),
    )


# -- pauses -----------------------------------------------------------------------------------------------------------


class PauseReason(enum.StrEnum):
    """Why nothing is sent, as one of a few words: a label of a metric may not hold any text."""

    BALANCE = "balance"
    """The balance is too low."""
    CREDENTIALS = "credentials"
    """The app id or the signature is refused."""
    ADDRESS = "address"
    """This machine's address is not on the white list."""
    MERCHANT = "merchant"
    """The merchant is switched off."""
    CHANNEL = "channel"
    """The channel is closed for now."""
    CLOCK = "clock"
    """A clock is wrong."""
    REFUSALS = "refusals"
    """Too many of the last payouts were refused."""
    OTHER = "other"
    """Anything else, such as a setting; the ledger has the text."""


_OF_ERRORS: dict[type[ApiError], PauseReason] = {
    InsufficientBalance: PauseReason.BALANCE,
    AuthenticationError: PauseReason.CREDENTIALS,
    IpNotAllowedError: PauseReason.ADDRESS,
    MerchantUnavailable: PauseReason.MERCHANT,
    ChannelClosed: PauseReason.CHANNEL,
    ClockError: PauseReason.CLOCK,
}
_CODES = {**PH_CODES, **GLOBAL_CODES}  # no code is on both lists
_CODE = re.compile(r"(?:\A|: )(\d{3,6}) ")
_REFUSALS = re.compile(r"\d+ of the last \d+ payouts were refused")


def pause_reason(text: str) -> PauseReason:
    """Which kind of reason a ledger's `paused()` gives: it is an error's text, with PayCools' code, or our own."""
    if _REFUSALS.match(text):
        return PauseReason.REFUSALS
    found = _CODE.search(text)
    code = _CODES.get(int(found[1])) if found is not None else None
    return PauseReason.OTHER if code is None else _OF_ERRORS.get(code.error, PauseReason.OTHER)


# -- a ledger that workers share --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class SharedGauges:
    """Who works on a ledger that workers share, what waits for one of them, and for a person."""

    leased: int
    """Rows that a worker holds."""
    lapsed: int
    """Rows that a worker held and has not renewed in time: it is lost, or stands still."""
    workers: int
    """Workers that hold rows."""
    overdue: float | None
    """Seconds for which the row that waits longest, in no worker's hands, could have been taken up; None: none waits.

    Rows of a paused batch wait for a person, and do not count.
    """
    paused: dict[PauseReason, int]
    """Batches of which nothing is sent, by the reason."""
    callbacks: dict[str, int] | None
    """Callbacks of an inbox in the same place, by their state; None where there is none, or it may not be read."""
    callbacks_oldest: float | None
    """Seconds since the oldest of these came in that is not applied; None where there is none."""


_PAUSED = "SELECT value FROM paycools_ledger WHERE key LIKE 'paused:%%'"
_MAY_READ_INBOX = "SELECT has_table_privilege(to_regclass('paycools_callbacks'), 'SELECT')"
_INBOX = """
SELECT state, count(*), extract(epoch FROM statement_timestamp())::float8 - min(received)
FROM paycools_callbacks GROUP BY state
"""


async def shared_gauges(ledger: Ledger) -> SharedGauges | None:
    """Who works on the ledger, and what waits; None for a ledger that one process owns. Raises LedgerError."""
    within = getattr(ledger, "within", None)
    if within is None:
        return None
    found: list[SharedGauges] = []

    async def look(connection: Any) -> None:
        async def ask(query: str, **values: Any) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = await (await connection.execute(query, values)).fetchall()
            return rows

        [(leased, lapsed, workers)] = await ask(queries.LEASES)
        [(overdue,)] = await ask(queries.LONGEST_WAIT)
        reasons = await ask(_PAUSED)
        [(may_read,)] = await ask(_MAY_READ_INBOX)
        inbox = await ask(_INBOX) if may_read else None
        found.append(
            SharedGauges(
                leased=leased,
                lapsed=lapsed,
                workers=workers,
                overdue=None if overdue is None else max(0.0, overdue),
                paused=_counted(text for (text,) in reasons),
                callbacks=None if inbox is None else {state: count for state, count, _ in inbox},
                callbacks_oldest=next((max(0.0, age) for state, _, age in inbox or () if state == "new"), None),
            )
        )

    await within(look)
    return found[-1]


def _counted(texts: Iterable[str]) -> dict[PauseReason, int]:
    found = dict.fromkeys(PauseReason, 0)
    for text in texts:
        found[pause_reason(text)] += 1
    return found
