"""`paycools payouts`: check a file, pay it, resume, look, report."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import attrs
import typer

from ..batch import Identity, LedgerError, Options, PHPayouts, Runner, SQLiteLedger, State, Summary, read_orders
from ..batch.ledger import Intake
from ..batch.reports import write_report
from ..batch.resolver import STOPS
from ..batch.states import OPEN
from ..client import PayCoolsPH
from ..errors import PayCoolsError
from ..money import format_major
from ..ph.payout import CreatePayout
from .progress import showing_progress
from .run import failing_clearly, say, say_error
from .sandbox import open_sandbox

__all__ = ["app"]

app = typer.Typer(help="Pay files of payouts, and never twice.", no_args_is_help=True)

BAD_INPUT = 2

FileArgument = Annotated[Path, typer.Argument(help="CSV or JSONL; columns are the payout's fields.")]
LedgerOption = Annotated[str | None, typer.Option("--ledger", help="The ledger file (FILE.db).")]
SandboxOption = Annotated[bool, typer.Option("--sandbox", help="Pay into a sandbox on this machine; no money moves.")]
ConcurrencyOption = Annotated[int, typer.Option(min=1, max=2000, help="Payouts in flight at a time.")]
RateOption = Annotated[float | None, typer.Option(min=0.001, help="New payouts a second; no limit by default.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ReportOption = Annotated[Path | None, typer.Option(help="Write payouts.csv and summary.json into this folder.")]
WaitOption = Annotated[float, typer.Option(min=0, help="End when nothing moved forward for so many seconds.")]
AbsentOption = Annotated[
    float, typer.Option(min=0, help="Seconds between the two inquiries that must both find nothing before a re-send.")
]
ShortOption = Annotated[
    bool, typer.Option("--ignore-balance", help="Start even if the balance does not cover the total.")
]
ApiOption = Annotated[str, typer.Option("--api", help="ph.")]


@attrs.frozen(kw_only=True)
class _Plan:
    """What a run was asked to do."""

    file: Path | None
    ledger: Path
    sandbox: bool
    options: Options
    yes: bool
    report: Path | None
    ignore_balance: bool


@app.command()
def check(file: FileArgument) -> None:
    """Check every row. Lists every fault with its line, column and reason; sends nothing."""

    async def look() -> int:
        with tempfile.TemporaryDirectory() as folder:
            ledger = await SQLiteLedger.open(Path(folder, "check.db"), Identity(family="ph", app_id="", host=""))
            try:
                found = await ledger.intake(
                    read_orders(file, CreatePayout, "PHP"), lambda request: json.dumps(attrs.asdict(request))
                )
            finally:
                await ledger.aclose()
        if _bad_rows(file, found):
            return BAD_INPUT
        say(f"{file.name}: {found.new} payouts, {format_major(found.total, 'PHP')}, no faults")
        return 0

    failing_clearly(look)


@app.command()
def run(
    file: FileArgument,
    ledger: LedgerOption = None,
    api: ApiOption = "ph",
    sandbox: SandboxOption = False,
    concurrency: ConcurrencyOption = 50,
    rate: RateOption = None,
    yes: YesOption = False,
    report: ReportOption = None,
    wait: WaitOption = 60.0,
    absent_after: AbsentOption = 5.0,
    ignore_balance: ShortOption = False,
) -> None:
    """Pay a file. Running it again resumes, and pays nobody twice."""
    _refuse_api(api)
    plan = _Plan(
        file=file,
        ledger=_ledger_path(ledger or str(file.with_suffix(".ledger.db"))),
        sandbox=sandbox,
        options=Options(concurrency=concurrency, rate=rate, wait=wait, absent_after=absent_after),
        yes=yes,
        report=report,
        ignore_balance=ignore_balance,
    )
    failing_clearly(lambda: _pay(plan))


@app.command()
def resume(
    ledger: LedgerOption = None,
    api: ApiOption = "ph",
    sandbox: SandboxOption = False,
    concurrency: ConcurrencyOption = 50,
    rate: RateOption = None,
    yes: YesOption = False,
    report: ReportOption = None,
    wait: WaitOption = 60.0,
    absent_after: AbsentOption = 5.0,
    ignore_balance: ShortOption = False,
) -> None:
    """Go on with a ledger's open payouts."""
    _refuse_api(api)
    plan = _Plan(
        file=None,
        ledger=_ledger_path(_required(ledger)),
        sandbox=sandbox,
        options=Options(concurrency=concurrency, rate=rate, wait=wait, absent_after=absent_after),
        yes=yes,
        report=report,
        ignore_balance=ignore_balance,
    )
    failing_clearly(lambda: _pay(plan))


@app.command()
def status(ledger: LedgerOption = None) -> None:
    """Show where a ledger's payouts stand. May be used while a run is going on."""

    async def look() -> int:
        async with _reading(ledger) as found:
            summary = Summary(counts=await found.counts())
        _show(summary)
        return summary.exit_code

    failing_clearly(look)


@app.command("report")
def report_(
    ledger: LedgerOption = None,
    directory: Annotated[Path, typer.Option("--report", help="The folder to write into.")] = Path("report"),
) -> None:
    """Write the report: one CSV row per payout, and a summary."""

    async def write() -> int:
        async with _reading(ledger) as found:
            summary = await write_report(found, directory, "PHP")
        _show(summary)
        say(f"report: {directory / 'payouts.csv'}, {directory / 'summary.json'}")
        return summary.exit_code

    failing_clearly(write)


# -- paying ---------------------------------------------------------------------------------------------------


async def _pay(plan: _Plan) -> int:
    fresh = not plan.ledger.exists()
    async with _client(plan) as client:
        api = PHPayouts(client)
        ledger = await SQLiteLedger.open(plan.ledger, api.identity, create=plan.file is not None)
        try:
            code = await _pay_from(ledger, api, plan)
        finally:
            await ledger.aclose()
            if fresh and await _is_empty(plan.ledger):
                _remove(plan.ledger)
    return code


async def _pay_from(ledger: SQLiteLedger, api: PHPayouts, plan: _Plan) -> int:
    if plan.file is not None:
        found = await ledger.intake(read_orders(plan.file, api.request_class, api.currency), api.text_of)
        if _bad_rows(plan.file, found):
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


async def _may_start(api: PHPayouts, before: Summary, plan: _Plan) -> bool:
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


async def _finish(ledger: SQLiteLedger, plan: _Plan, summary: Summary) -> int:
    if summary.stopped:
        say_error(f"stopped: {summary.stopped}")
    _show(summary)
    if plan.report is not None:
        await write_report(ledger, plan.report, "PHP", summary.stopped)
        say(f"report: {plan.report / 'payouts.csv'}, {plan.report / 'summary.json'}")
    if summary.rows(*OPEN):
        again = f"paycools payouts resume --ledger {plan.ledger}" + (" --sandbox" if plan.sandbox else "")
        say(f"Some payouts are not final. Go on with: {again}")
    if summary.rows(State.CONFLICT):
        say("Some payouts are in conflict: PayCools knows their order id otherwise. A human has to look.")
    return summary.exit_code


@contextlib.asynccontextmanager
async def _client(plan: _Plan) -> AsyncIterator[PayCoolsPH]:
    async with contextlib.AsyncExitStack() as stack:
        if not plan.sandbox:
            yield await stack.enter_async_context(PayCoolsPH.from_env(max_connections=plan.options.concurrency))
            return
        box = await stack.enter_async_context(open_sandbox(Path(f"{plan.ledger}.sandbox")))
        credentials = box.fake.ph_credentials
        client = PayCoolsPH(credentials, base_url=box.base_url, max_connections=plan.options.concurrency)
        yield await stack.enter_async_context(client)


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


# -- small things ---------------------------------------------------------------------------------------------


def _bad_rows(file: Path, found: Intake) -> bool:
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


def _show(summary: Summary) -> None:
    for state in State:
        rows, amount = summary.counts.get(state, (0, 0))
        if rows:
            say(f"{state.value:>9}: {rows:>8}  {format_major(amount, 'PHP'):>24}")


def _required(ledger: str | None) -> str:
    if ledger is None:
        raise typer.BadParameter("give the ledger file", param_hint="--ledger")
    return ledger


def _ledger_path(text: str) -> Path:
    if "://" in text:
        say_error("error: --ledger takes a file in this version; PostgreSQL ledgers are not there yet")
        raise typer.Exit(BAD_INPUT)
    return Path(text)


def _refuse_api(api: str) -> None:
    if api != "ph":
        say_error(f"error: --api {api}: this version pays through the PH API only")
        raise typer.Exit(BAD_INPUT)


@contextlib.asynccontextmanager
async def _reading(ledger: str | None) -> AsyncIterator[SQLiteLedger]:
    found = await SQLiteLedger.open(_ledger_path(_required(ledger)), None, create=False, exclusive=False)
    try:
        yield found
    finally:
        await found.aclose()


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
