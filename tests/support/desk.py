"""People at a desk: they run the real commands, in one process, against a PayCools in memory, and answer questions."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest
import typer

from paycools_async import PayCoolsPH
from paycools_async.batch import Options
from paycools_async.cli.payouts import batches, commands, opening
from paycools_async.cli.payouts.run import approval
from paycools_async.testing import FakePayCools

__all__ = ["Desk", "Done", "Payment", "desk_of"]

Answer = Callable[[str], bool] | bool | None
"""None: nobody sits at a terminal."""


@attrs.frozen
class Done:
    """What a command said, and how it ended."""

    code: int
    output: str

    def __contains__(self, text: str) -> bool:
        return text in self.output

    def line(self, start: str) -> str:
        """The one line that starts so, without the start; "" where there is none."""
        found = [line.removeprefix(start) for line in self.output.splitlines() if line.startswith(start)]
        assert len(found) < 2, found
        return found[0] if found else ""


@attrs.frozen
class Payment:
    """What PayCools booked. `account` as it was asked."""

    order_id: str
    amount: int
    account: str


@attrs.define
class Desk:
    """`desk.run(file, ...)`: as `paycools payouts run file ...` on this desk's ledger."""

    fake: FakePayCools
    ledger: str
    paid: list[Payment] = attrs.field(factory=list)
    said: list[str] = attrs.field(factory=list)
    answer: Answer = None
    questions: list[str] = attrs.field(factory=list)
    expects_faults: bool = False

    def run(self, file: Path, *, answer: Answer = None, **options: Any) -> Done:
        return self._do(commands.run, answer, file=file, **options)

    def release(self, batch: int, *, answer: Answer = None, **options: Any) -> Done:
        return self._do(commands.release, answer, batch=batch, **options)

    def resume(self, *, answer: Answer = None, **options: Any) -> Done:
        return self._do(commands.resume, answer, **options)

    def withdraw(self, *, answer: Answer = None, **options: Any) -> Done:
        return self._do(batches.withdraw, answer, **options)

    def status(self, **options: Any) -> Done:
        return self._do(commands.status, None, **options)

    def batches(self) -> Done:
        return self._do(batches.batches, None)

    def report(self, directory: Path, **options: Any) -> Done:
        return self._do(commands.report_, None, directory=directory, **options)

    def _do(self, command: Callable[..., Any], answer: Answer, **options: Any) -> Done:
        """Commands may be nested: one person does something while another one is asked."""
        outer = self.said, self.answer
        self.said, self.answer = [], answer
        try:
            command(**{"ledger": self.ledger, **options})
        except typer.Exit as end:
            done = Done(end.exit_code, "\n".join(self.said))
            assert self.expects_faults or "unexpected" not in done, done.output
            return done
        finally:
            self.said, self.answer = outer
        raise AssertionError("a command always ends with an exit code")

    # -- what the commands are given ------------------------------------------------------------------------------

    def hear(self, message: object = "", **options: Any) -> None:
        self.said.append(str(message))

    def can_ask(self) -> bool:
        return self.answer is not None

    def asked(self, question: str) -> bool:
        self.questions.append(question)
        assert self.answer is not None
        return self.answer if isinstance(self.answer, bool) else self.answer(question)

    @contextlib.asynccontextmanager
    async def open_client(self, country: str | None, sandbox: Path | None = None, **options: Any) -> AsyncIterator[Any]:
        credentials, transport = self.fake.ph_credentials, self.fake.transport()
        more = {"base_url": "http://127.0.0.1:8650", "timeout": options.get("timeout", 30.0)}
        async with PayCoolsPH(credentials, transport=transport, **more) as client:
            yield client

    # -- both sides, looked at from outside -----------------------------------------------------------------------

    def book(self, fields: dict[str, Any]) -> Any:
        self.paid.append(Payment(fields["mchOrderId"], fields["amount"], fields["accountNo"]))
        return "COMPLETE", None, None

    def states(self) -> dict[str, str]:
        """Every order's state as it is durable; of one that was offered again, the later row's."""
        if self.ledger.startswith("postgresql://"):
            with psycopg.connect(self.ledger) as postgres:
                return dict(postgres.execute("SELECT order_id, state FROM paycools_payouts ORDER BY id").fetchall())
        with contextlib.closing(sqlite3.connect(self.ledger)) as connection:
            return dict(connection.execute("SELECT order_id, state FROM payouts ORDER BY id").fetchall())


def desk_of(fake: FakePayCools, ledger: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose commands reach this fake, say what they say to it, and do not wait long for news."""
    desk = Desk(fake, ledger)
    fake.payouts.decide = desk.book
    monkeypatch.setattr(opening, "open_client", desk.open_client)
    monkeypatch.setattr(commands, "Options", functools.partial(Options, first_inquiry_after=0.0))
    monkeypatch.setattr(typer, "echo", desk.hear)
    for module in (approval, batches):
        monkeypatch.setattr(module, "can_ask", desk.can_ask)
        monkeypatch.setattr(module, "asked", desk.asked)
    return desk
