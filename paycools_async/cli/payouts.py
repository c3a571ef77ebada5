"""`paycools payouts`: check a file, pay it, resume, look, report."""

from __future__ import annotations

import contextlib
import inspect
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from ..batch import Identity, Ledger, Options, SQLiteLedger, Summary, read_orders
from ..batch.api import COUNTRIES
from ..batch.reports import write_report
from ..money import format_major
from ..ph.payout import CreatePayout
from .ledgers import open_ledger
from .options import (
    AbsentOption,
    ApiOption,
    ConcurrencyOption,
    CountryOption,
    DetachOption,
    FileArgument,
    LedgerOption,
    MarginOption,
    RateOption,
    ReportOption,
    SandboxOption,
    ShortOption,
    TimeoutOption,
    WaitOption,
    YesOption,
)
from .pay import BAD_INPUT, Plan, chosen_country, pay, show, tell_bad_rows
from .reconcile import reconcile_command
from .run import failing_clearly, say
from .worker import prepare, worker

__all__ = ["app"]

app = typer.Typer(help="Pay files of payouts, and never twice.", no_args_is_help=True)
app.command("reconcile")(reconcile_command)
app.command()(worker)
app.command()(prepare)


@app.command()
def check(file: FileArgument, api: ApiOption = "ph", country: CountryOption = None) -> None:
    """Check every row. Lists every fault with its line, column and reason; sends nothing."""
    chosen = chosen_country(api, country)
    currency, request_class = COUNTRIES[chosen] if chosen else ("PHP", CreatePayout)

    async def look() -> int:
        with tempfile.TemporaryDirectory() as folder:
            ledger = await SQLiteLedger.open(Path(folder, "check.db"), Identity(family="ph", app_id="", host=""))
            try:
                found = await ledger.intake(
                    read_orders(file, request_class, currency), lambda request: json.dumps(attrs.asdict(request))
                )
            finally:
                await ledger.aclose()
        if tell_bad_rows(file, found):
            return BAD_INPUT
        say(f"{file.name}: {found.new} payouts, {format_major(found.total, currency)}, no faults")
        return 0

    failing_clearly(look)


def _plan(
    file: Path | None,
    ledger: LedgerOption = None,
    api: ApiOption = "ph",
    country: CountryOption = None,
    sandbox: SandboxOption = False,
    concurrency: ConcurrencyOption = 50,
    rate: RateOption = None,
    yes: YesOption = False,
    report: ReportOption = None,
    wait: WaitOption = 60.0,
    absent_after: AbsentOption = 5.0,
    ignore_balance: ShortOption = False,
    timeout: TimeoutOption = 30.0,
    lease_margin: MarginOption = None,
    detach: DetachOption = False,
) -> Plan:
    return Plan(
        country=chosen_country(api, country),
        file=file,
        ledger=_required(ledger) if file is None else ledger or str(file.with_suffix(".ledger.db")),
        sandbox=sandbox,
        options=Options(concurrency=concurrency, rate=rate, wait=wait, absent_after=absent_after),
        yes=yes,
        report=report,
        ignore_balance=ignore_balance,
        timeout=timeout,
        lease_margin=lease_margin,
        detach=detach,
    )


def _takes_options_of_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take what `_plan` takes in place of its `**options`; typer reads it from the signature."""
    own = [each for each in _parameters(command) if each.kind is not each.VAR_KEYWORD]
    options = [each for each in _parameters(_plan) if each.name != "file"]
    command.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    return command


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters.values()


@app.command()
@_takes_options_of_plan
def run(file: FileArgument, **options: Any) -> None:
    """Pay a file. Running it again resumes, and pays nobody twice."""
    plan = _plan(file, **options)
    failing_clearly(lambda: pay(plan))


@app.command()
@_takes_options_of_plan
def resume(**options: Any) -> None:
    """Go on with a ledger's open payouts."""
    plan = _plan(None, **options)
    failing_clearly(lambda: pay(plan))


@app.command()
def status(ledger: LedgerOption = None) -> None:
    """Show where a ledger's payouts stand. May be used while a run is going on."""

    async def look() -> int:
        async with _reading(ledger) as found:
            summary = Summary(counts=await found.counts())
            currency = await found.currency()
        show(summary, currency)
        return summary.exit_code

    failing_clearly(look)


@app.command("report")
def report_(
    ledger: LedgerOption = None,
    directory: Annotated[Path, typer.Option("--report", help="The folder to write into.")] = Path("report"),
) -> None:
    """Write the report: a page for people, one CSV row per payout, and a summary."""

    async def write() -> int:
        async with _reading(ledger) as found:
            summary = await write_report(found, directory)
            currency = await found.currency()
        show(summary, currency)
        say(f"report: {directory / 'report.html'} for people, {directory / 'payouts.csv'} for machines")
        return summary.exit_code

    failing_clearly(write)


def _required(ledger: str | None) -> str:
    if ledger is None:
        raise typer.BadParameter("give the ledger file", param_hint="--ledger")
    return ledger


@contextlib.asynccontextmanager
async def _reading(ledger: str | None) -> AsyncIterator[Ledger]:
    found = await open_ledger(_required(ledger), None, create=False, exclusive=False)
    try:
        yield found
    finally:
        await found.aclose()
