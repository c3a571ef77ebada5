"""Paying a ledger's payouts from the command line: intake, totals and balance, the run, the report."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import typer

from ..batch import (
    Ledger,
    LedgerError,
    Options,
    PayoutApi,
    Runner,
    SQLiteLedger,
    State,
    Summary,
    read_orders,
)
from ..batch.api import COUNTRIES
from ..batch.ledger import Intake
from ..batch.reports import write_report
from ..batch.resolver import STOPS
from ..batch.states import OPEN
from ..errors import ConfigurationError, PayCoolsError
from ..money import format_major
from .clients import open_client, payouts_of
from .ledgers import is_postgres, open_ledger, shown
from .progress import showing_progress
from .run import on_signals, say, say_error

if TYPE_CHECKING:
    from ..batch.postgres import PostgresLedger

__all__ = ["BAD_INPUT", "Plan", "chosen_country", "open_api", "pay", "show", "tell_bad_rows"]

BAD_INPUT = 2


@attrs.frozen(kw_only=True)
class Plan:
    """What a run was asked to do."""

    file: Path | None
    country: str | None
    """The Global API's; None pays through the PH API."""
    ledger: str
    sandbox: bool
    options: Options
    yes: bool
    report: Path | None
    ignore_balance: bool
    timeout: float = 30.0
    lease_margin: float | None = None
    detach: bool = False
    """Leave the sending to workers."""


async def pay(plan: Plan) -> int:
    postgres = is_postgres(plan.ledger)
    if plan.sandbox and postgres:
        raise ConfigurationError(
            "--sandbox keeps its books beside a ledger file; with PostgreSQL start `paycools sandbox` in another shell"
        )
    if plan.detach and not postgres:
        raise ConfigurationError("--detach leaves the sending to workers: it needs --ledger postgresql://...")
    fresh = not postgres and _is_missing(plan.ledger)
    options: dict[str, Any] = {"concurrency": plan.options.concurrency, "call_timeout": plan.timeout}
    async with open_api(plan.country, sandbox=Path(plan.ledger) if plan.sandbox else None, **options) as api:
        ledger = await open_ledger(
            plan.ledger,
            api.identity,
            create=plan.file is not None,
            call_timeout=plan.timeout,
            margin=plan.lease_margin,
        )
        try:
            code = await _pay_from(ledger, api, plan)
        finally:
            await ledger.aclose()
            if fresh and await _is_empty(Path(plan.ledger)):
                _remove(Path(plan.ledger))
    return code


async def _pay_from(ledger: Ledger, api: PayoutApi, plan: Plan) -> int:
    if plan.file is not None:
        orders = read_orders(plan.file, api.request_class, api.currency)
        found = await ledger.intake(orders, api.text_of, release=False)
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
    if is_postgres(plan.ledger):
        return await _pay_among_workers(cast("PostgresLedger", ledger), api, plan)
    return await _finish(ledger, plan, await _drive(Runner(api, ledger, plan.options)))


async def _pay_among_workers(ledger: PostgresLedger, api: PayoutApi, plan: Plan) -> int:
    """Release the payouts to the workers, and be one of those who send them."""
    from ..batch.shared_pace import SharedPace
    from ..batch.worker import prepare_jobs, release_to_workers

    await prepare_jobs(ledger)
    shards = await release_to_workers(ledger)
    say(f"{shards} shards are handed to the workers")
    if plan.detach:
        return await _finish(ledger, plan, Summary(counts=await ledger.counts()))
    pace = SharedPace(ledger, plan.options.rate)
    # what a lost run or worker was sending moves only when its loan has ended
    options = attrs.evolve(plan.options, wait=plan.options.wait + ledger.lease)
    return await _finish(ledger, plan, await _drive(Runner(api, ledger, options, pace=pace), look_around=True))


async def _drive(runner: Runner, *, look_around: bool = False) -> Summary:
    with _stopping_on_signals(runner):
        async with showing_progress(runner, look_around=look_around):
            return await runner.run()


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


async def _finish(ledger: Ledger, plan: Plan, summary: Summary) -> int:
    if summary.stopped:
        say_error(f"stopped: {summary.stopped}")
    show(summary, await ledger.currency())
    if plan.report is not None:
        await write_report(ledger, plan.report, summary.stopped)
        say(f"report: {plan.report / 'report.html'} for people, {plan.report / 'payouts.csv'} for machines")
    if summary.rows(*OPEN):
        again = f"paycools payouts resume --ledger {shown(plan.ledger)}" + (" --sandbox" if plan.sandbox else "")
        again += f" --api global --country {plan.country}" if plan.country else ""
        say(f"Some payouts are not final. Go on with: {again}")
    if summary.rows(State.CONFLICT):
        say("Some payouts are in conflict: PayCools knows their order id otherwise. A human has to look.")
    return summary.exit_code


@contextlib.asynccontextmanager
async def open_api(
    country: str | None, *, concurrency: int, call_timeout: float = 30.0, sandbox: Path | None = None
) -> AsyncIterator[PayoutApi]:
    """The API to pay through: the real one by the environment's settings, or a ledger's embedded sandbox."""
    async with open_client(country, sandbox, max_connections=concurrency, timeout=call_timeout) as client:
        yield payouts_of(client, country)


def chosen_country(api: str, country: str | None) -> str | None:
    """The Global API's country, or None for the PH API."""
    told = None
    if api not in ("ph", "global"):
        told = f"--api {api}: ph or global"
    elif api == "ph" and country not in (None, "PH"):
        told = "--country goes with --api global"
    elif api == "global" and country not in COUNTRIES:
        told = f"--api global needs --country: {', '.join(COUNTRIES)}"
    if told is not None:
        say_error(f"error: {told}")
        raise typer.Exit(BAD_INPUT)
    return country if api == "global" else None


@contextlib.contextmanager
def _stopping_on_signals(runner: Runner) -> Iterator[None]:
    """The first Ctrl-C lets what is in flight finish; the second ends at once (the ledger stays right)."""
    task = asyncio.current_task()
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            say_error("\nstopping: what is in flight is finished first; once more ends at once")
            runner.stop("interrupted")
        elif task is not None:
            task.cancel()

    with on_signals(ask):
        yield


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


def _is_missing(ledger: str) -> bool:
    return not Path(ledger).exists()


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
