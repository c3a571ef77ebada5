"""What a command that pays works on: its plan, the ledger, the API and where that leads; and commands to go on with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import attrs

from ....batch import Ledger, PayoutApi
from ...destination import Destination
from ...ledger_url import is_postgres, shown
from ..showing import hint
from .plan import Plan
from .reach import Reach

if TYPE_CHECKING:
    from ....batch.ledger.postgres.ledger import PostgresLedger

__all__ = ["RunContext"]

_NAMED = 20
"""Batches that a command to go on with names."""


@attrs.frozen(kw_only=True)
class RunContext:
    """What a command that pays works on."""

    plan: Plan
    ledger: Ledger
    api: PayoutApi
    destination: Destination
    reach: Reach = attrs.field(factory=Reach)

    @property
    def currency(self) -> str:
        """The API's."""
        return self.api.currency

    @property
    def postgres(self) -> PostgresLedger | None:
        """The ledger, where it is one that workers share."""
        return cast("PostgresLedger", self.ledger) if is_postgres(self.plan.ledger) else None

    @property
    def place(self) -> dict[str, str]:
        """Where the money goes, and the ledger's name without a password: texts for people."""
        return self.destination.details(shown(self.plan.ledger))

    def settings(self) -> list[str]:
        """The options that say where the money goes, as they were given."""
        sandbox = ["--sandbox"] if self.plan.sandbox else []
        return sandbox + (["--api", "global", "--country", self.plan.country] if self.plan.country else [])

    def command(self, name: str, *more: str) -> str:
        """A command that pays, to go on with; with where the money goes."""
        return hint(name, self.plan.ledger, *more, *self.settings())

    def look(self, name: str, *more: str) -> str:
        """A command that pays nothing, to go on with."""
        return hint(name, self.plan.ledger, *more)

    def resume(self, batches: Sequence[int], *more: str) -> str:
        """The command that goes on with these batches."""
        return self.command("resume", *(f"--batch {number}" for number in batches[:_NAMED]), *more)
