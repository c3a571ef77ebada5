"""Paying a ledger's payouts from the command line: intake, totals and balance, the run, the report."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import attrs
import typer

from ..batch import (
    GlobalPayouts,
    LedgerError,
    Options,
    PayoutApi,
    PHPayouts,
    Runner,
    SQLiteLedger,
    State,
    Summary,
    read_orders,
)
from ..batch.ledger import Intake
from ..batch.reports import write_report
from ..batch.resolver import STOPS
from ..batch.states import OPEN
from ..client import PayCoolsGlobal, PayCoolsPH
from ..errors import PayCoolsError
from ..money import format_major
from .progress import showing_progress
from .run import say, say_error
from .sandbox import open_sandbox

__all__ = ["BAD_INPUT", "Plan", "pay", "show", "tell_bad_rows"]

BAD_INPUT = 2


@attrs.frozen(kw_only=True)
class Plan:
    """What a run was asked to do."""

    file: Path | None
    country: str | None
    """The Global API's; None pays through the PH API."""
    ledger: Path
    sandbox: bool
    options: Options
    yes: bool
    report: Path | None
    ignore_balance: bool


async def pay(plan: Plan) -> int:
    fresh = not plan.ledger.exists()
    async with _api(plan) as api:
        ledger = await SQLiteLedger.open(plan.ledger, api.identity, create=plan.file is not None)
        try:
            code = await _pay_from(ledger, api, plan)
        finally:
            await ledger.aclose()
            if fresh and await _is_empty(plan.ledger):
                _remove(plan.ledger)
    return code


async def _pay_from(ledger: SQLiteLedger, api: PayoutApi, plan: Plan) -> int:
    if plan.file is not None:
        found = await ledger.intake(read_orders(plan.file, api.request_class, api.currency), api.text_of)
        if tell_bad_rows(plan.file, found):
            return BAD_INPUT
        say(f"{plan.file.name}: {found.new + found.known} payouts, {format_major(found.total, api.currency)}")
        if found.known:
            say(f"{found.known} of them are in the ledger from an earlier run; nobody is paid twice")
    before = Summary(counts=await ledger.counts())
    if not before.rows(*OPEN):
        say("Nothing is left to send; nothing was sent.")
        return await _finish(ledger, plan, before)
    if not await _may_start(api, before, plan):
        return BAD_INPUT
    runner = Runner(api, ledger, plan.options)
    with _stopping_on_signals(runner):
        async with showing_progress(runner):
            summary = await runner.run()
    return await _finish(ledger, plan, summary)


async def _may_start(api: PayoutApi, before: Summary, plan: Plan) -> bool:
    """Show what is to be sent and what there is to pay it from; ask unless told not to."""
    to_send = before.rows(State.PLANNED)
    total = before.amount(State.PLANNED)
    say(f"To send: {to_send} payouts, {format_major(total, api.currency)}")
    unclear = before.rows(State.SENDING, State.UNKNOWN)
    if unclear:
        say(f"{unclear} payouts of an earlier run are unclear: PayCools is asked before any of them is sent again")
    try:
        balance = await api.balance()
    except STOPS:
        raise
    except PayCoolsError as error:
        say_error(f"warning: the balance could not be read: {error}")
    else:
        say(f"Balance: {format_major(balance, api.currency)}")
        if balance < total and not plan.ignore_balance:
            say_error(
                f"error: the balance is {format_major(total - balance, api.currency)} short; nothing was sent. "
                "Top up and run again, or give --ignore-balance to send what it covers"
            )
            return False
    if plan.yes or not to_send:
        return True
    if not sys.stdin.isatty():
        say_error("error: not a terminal, so nobody can be asked: give --yes; nothing was sent")
        return False
    return typer.confirm("Send them?")


async def _finish(ledger: SQLiteLedger, plan: Plan, summary: Summary) -> int:
    if summary.stopped:
        say_error(f"stopped: {summary.stopped}")
    show(summary, await ledger.currency())
    if plan.report is not None:
        await write_report(ledger, plan.report, summary.stopped)
        say(f"report: {plan.report / 'payouts.csv'}, {plan.report / 'summary.json'}")
    if summary.rows(*OPEN):
        again = f"paycools payouts resume --ledger {plan.ledger}" + (" --sandbox" if plan.sandbox else "")
        again += f" --api global --country {plan.country}" if plan.country else ""
        say(f"Some payouts are not final. Go on with: {again}")
    if summary.rows(State.CONFLICT):
        say("Some payouts are in conflict: PayCools knows their order id otherwise. A human has to look.")
    return summary.exit_code


@contextlib.asynccontextmanager
async def _api(plan: Plan) -> AsyncIterator[PayoutApi]:
    """The API to pay through: the real one by the environment's settings, or the embedded sandbox."""
    options: dict[str, Any] = {"max_connections": plan.options.concurrency}
    async with contextlib.AsyncExitStack() as stack:
        if plan.sandbox:
            box = await stack.enter_async_context(open_sandbox(plan.ledger, plan.country))
            options["base_url"] = box.base_url
        if plan.country is None:
            ph = PayCoolsPH(box.fake.ph_credentials, **options) if plan.sandbox else PayCoolsPH.from_env(**options)
            yield PHPayouts(await stack.enter_async_context(ph))
        else:
            world = (
                PayCoolsGlobal(box.fake.global_credentials, **options)
                if plan.sandbox
                else PayCoolsGlobal.from_env(**options)
            )
            yield GlobalPayouts(await stack.enter_async_context(world), plan.country)


@contextlib.contextmanager
def _stopping_on_signals(runner: Runner) -> Iterator[None]:
    """The first Ctrl-C lets what is in flight finish; the second ends at once (the ledger stays right)."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    asked = 0

    def ask(number: int) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            say_error("\nstopping: what is in flight is finished first; once more ends at once")
            runner.stop("interrupted")
        elif task is not None:
            task.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        with contextlib.suppress(NotImplementedError):  # not on Windows
            loop.add_signal_handler(number, ask, number)
    try:
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)


def tell_bad_rows(file: Path, found: Intake) -> bool:
    """List every fault of a file; whether there was one."""
    for error in found.errors:
        say_error(f"{file.name}: {error}")
    if found.more_errors:
        say_error(f"{file.name}: and {found.more_errors} more")
    if found.errors:
        rows = len({error.line for error in found.errors})
        say_error(f"error: {rows} bad rows; nothing was sent")
        return True
    if not found.new and not found.known:
        say_error(f"error: {file.name}: no payouts in it; nothing was sent")
        return True
    return False


def show(summary: Summary, currency: str) -> None:
    """One line per state."""
    for state in State:
        rows, amount = summary.counts.get(state, (0, 0))
        if rows:
            say(f"{state.value:>9}: {rows:>8}  {format_major(amount, currency):>24}")


async def _is_empty(path: Path) -> bool:
    try:
        found = await SQLiteLedger.open(path, None, create=False)
    except LedgerError:
        return False
    try:
        return not await found.counts()
    finally:
        await found.aclose()


def _remove(ledger: Path) -> None:
    for suffix in ("", "-wal", "-shm", ".lock", ".lock-journal"):
        Path(f"{ledger}{suffix}").unlink(missing_ok=True)
