"""Where an inbox keeps its callbacks: the protocol that the stores satisfy.

A store does two things durably: it takes a callback in once, and it marks one as done together with whatever database
work its handler asked for (`in_transaction`), in one commit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import attrs

from ...errors import PayCoolsError

__all__ = ["FormerNames", "InboxError", "InboxStore", "Item", "Mark", "Stored", "Work", "WorkFailed", "stored_of"]

Mark = Literal["applied", "superseded"]
Work = Callable[[Any], Any]
"""Gets the store's own connection, inside the transaction of the mark."""


class InboxError(PayCoolsError):
    """The inbox's database cannot be used like this."""


class WorkFailed(Exception):
    """The database refused a handler's own work; the cause is attached. The inbox itself is well."""


@attrs.frozen(kw_only=True)
class Item:
    """A verified callback, as the inbox keeps it."""

    id: str
    subject: str | None
    """What it is about: the family and PayCools' transaction id. None: not known."""
    rank: int
    """How far on its way: 0 pending, 1 final, 2 ended after that."""
    verdict: str
    """What it says of its subject: a second one with the same verdict is a repetition."""
    family: str
    body: bytes = attrs.field(repr=False)
    """The raw body as received."""


@attrs.frozen(kw_only=True)
class Stored(Item):
    """An item in the store, not yet applied."""

    seq: int
    attempts: int


class InboxStore(Protocol):
    """What an inbox needs. All times are seconds since the epoch."""

    @property
    def location(self) -> str:
        """The SQLite file, or PostgreSQL's connection string: a ledger in the same place can share a commit."""
        ...

    async def add(self, item: Item) -> bool:
        """Take it in, durably before this returns. False: it was there."""
        ...

    async def try_become_leader(self) -> bool:
        """Whether this process is the one that applies. Asked again and again; another's death makes room."""
        ...

    async def due(self, limit: int) -> Sequence[Stored]:
        """Unapplied callbacks whose time has come, in order of arrival."""
        ...

    async def next_due(self) -> float | None:
        """When the next unapplied callback is due."""
        ...

    async def applied_so_far(self, subject: str) -> tuple[int, frozenset[str]]:
        """Of what was applied to a subject: the highest rank (-1: nothing), and the verdicts."""
        ...

    async def mark(self, seq: int, mark: Mark, work: Sequence[Work] = ()) -> None:
        """In one commit: do the work, and mark the callback. Raises InboxError if it was marked before."""
        ...

    async def postpone(self, seq: int, until: float, error: str) -> None:
        """The handler failed: try again then."""
        ...

    async def counts(self) -> dict[str, int]:
        """How many callbacks are new, applied and superseded."""
        ...

    async def aclose(self) -> None: ...


class FormerNames:
    """What the methods of our stores were called before."""

    @property
    def home(self: Any) -> str:
        """The former name of `location`."""
        _warn("home", "location")
        found: str = self.location
        return found

    async def lead(self: Any) -> bool:
        """The former name of `try_become_leader`."""
        _warn("lead", "try_become_leader")
        found: bool = await self.try_become_leader()
        return found

    async def standing(self: Any, subject: str) -> tuple[int, frozenset[str]]:
        """The former name of `applied_so_far`."""
        _warn("standing", "applied_so_far")
        found: tuple[int, frozenset[str]] = await self.applied_so_far(subject)
        return found


def _warn(former: str, name: str) -> None:
    warnings.warn(f"{former} is called {name} now", DeprecationWarning, stacklevel=3)


def stored_of(row: Sequence[Any]) -> Stored:
    """From the columns of a select."""
    seq, id_, subject, rank, verdict, family, body, attempts = row
    return Stored(
        seq=seq,
        id=id_,
        subject=subject,
        rank=rank,
        verdict=verdict,
        family=family,
        body=body.encode() if isinstance(body, str) else bytes(body),
        attempts=attempts,
    )
