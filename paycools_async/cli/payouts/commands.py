"""`paycools payouts`: check a file, offer it, pay it, resume, look, report."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from ...batch import Options
from ...batch.intake import check_file
from ...batch.report.write import write_report
from ...batch.run.payout_api import payout_request
from ...countries import COUNTRIES, PHILIPPINES
from ..console import echo, run_command
from ..destination import destination_lines
from ..exit_codes import BAD_INPUT
from ..ledger_url import given_ledger, reading, required_ledger, shown
from .batches import backup, batches, withdraw
from .intake import reading_of, tell_bad_rows, tell_file, tell_repeats
from .opening import chosen_country, try_folder
from .options import (
    AbsentOption,
    AdoptOption,
    ApiOption,
    BatchesOption,
    ByOption,
    CodesOption,
    ConcurrencyOption,
    CountOption,
    CountryOption,
    DetachOption,
    EncodingOption,
    FileArgument,
    IgnoreOption,
    LedgerOption,
    MarginOption,
    PlainNamesOption,
    RateOption,
    RecoverOption,
    ReportOption,
    ResendsOption,
    SandboxOption,
    ShortOption,
    TimeoutOption,
    TotalOption,
    WaitOption,
    YesOption,
)
from .reconcile import reconcile_command
from .run.pay import pay
from .run.plan import Plan, whoami
from .showing import amount_of, chosen_batches, show, show_offered, show_others, show_outcomes, show_paused, summary_of
from .template import columns, template
from .worker import prepare, worker

__all__ = ["app"]

app: typer.Typer = typer.Typer(help="Pay files of payouts, and never twice.", no_args_is_help=True)
app.command(epilog="Example: paycools payouts template wages.csv --method EWALLET")(template)
app.command(epilog="Example: paycools payouts columns --api global --country ID")(columns)
app.command("reconcile", epilog="Example: paycools payouts reconcile --ledger wages.db --date 2026-11-26")(
    reconcile_command
)
app.command()(worker)
app.command()(prepare)
app.command()(withdraw)
app.command()(batches)
app.command()(backup)


@app.command()
def check(
    file: FileArgument,
    api: ApiOption = "ph",
    country: CountryOption = None,
    encoding: EncodingOption = None,
    ignore_column: IgnoreOption = None,
    codes: CodesOption = None,
    plain_names: PlainNamesOption = False,
) -> None:
    """Check every row. Lists every fault with its line, column and reason; sends nothing."""
    chosen = chosen_country(api, country)
    request_class = payout_request(chosen)
    currency = COUNTRIES[chosen or PHILIPPINES.code].currency

    async def look() -> int:
        how = reading_of(encoding, ignore_column, codes, plain_names)
        found, repeats, rows = await check_file(file, request_class, currency, how)
        tell_file(file, rows)
        if tell_bad_rows(file, found):
            return BAD_INPUT
        tell_repeats(file, repeats)
        echo(f"{file.name}: {amount_of(found.new, found.total, currency)}, no faults")
        return 0

    run_command(look)


def _plan(
    file: Path | None,
    ledger: LedgerOption = None,
    api: ApiOption = "ph",
    country: CountryOption = None,
    sandbox: SandboxOption = False,
    concurrency: ConcurrencyOption = 50,
    rate: RateOption = None,
    yes: YesOption = False,
    by: ByOption = None,
    report: ReportOption = None,
    adopt: AdoptOption = False,
    wait: WaitOption = None,
    absent_after: AbsentOption = 60.0,
    resends: ResendsOption = 1,
    ignore_balance: ShortOption = False,
    recover: RecoverOption = False,
    timeout: TimeoutOption = 30.0,
    lease_margin: MarginOption = None,
    detach: DetachOption = False,
    **own: Any,
) -> Plan:
    return Plan(
        country=chosen_country(api, country),
        file=file,
        ledger=required_ledger(ledger) if file is None else given_ledger(ledger) or str(file.with_suffix(".ledger.db")),
        sandbox=sandbox,
        options=Options(concurrency=concurrency, rate=rate, wait=wait, absent_after=absent_after, max_resends=resends),
        yes=yes,
        by=by or whoami(),
        report=report,
        adopt=adopt,
        ignore_balance=ignore_balance,
        recover=recover,
        timeout=timeout,
        lease_margin=lease_margin,
        detach=detach,
        **own,
    )


def _takes_options_of_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take what `_plan` takes in place of its `**options`; typer reads it from the signature."""
    own = [each for each in _parameters(command) if each.kind is not each.VAR_KEYWORD]
    options = [each for each in _parameters(_plan) if each.name != "file" and each.kind is not each.VAR_KEYWORD]
    command.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    return command


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters.values()


def _pay(plan: Callable[[], Plan]) -> None:
    async def go() -> int:
        return await pay(plan())

    run_command(go)


@app.command()
@_takes_options_of_plan
def run(
    file: FileArgument,
    offer: Annotated[
        bool, typer.Option("--offer", help="Enter it and send nothing: another person releases it.")
    ] = False,
    expect_count: CountOption = None,
    expect_total: TotalOption = None,
    encoding: EncodingOption = None,
    ignore_column: IgnoreOption = None,
    codes: CodesOption = None,
    plain_names: PlainNamesOption = False,
    **options: Any,
) -> None:
    """Pay a file: shows what your yes would send, and sends that. Running it again resumes, and pays nobody twice."""

    def plan() -> Plan:
        how = reading_of(encoding, ignore_column, codes, plain_names)
        return _plan(file, offer=offer, expect_count=expect_count, expect_total=expect_total, reading=how, **options)

    _pay(plan)


@app.command()
@_takes_options_of_plan
def release(
    batch: Annotated[int, typer.Option("--batch", help="The batch that waits for your yes.")],
    expect_count: CountOption = None,
    expect_total: TotalOption = None,
    **options: Any,
) -> None:
    """Say yes to a batch that was offered, and send it."""
    _pay(lambda: _plan(None, release=batch, expect_count=expect_count, expect_total=expect_total, **options))


@app.command()
@_takes_options_of_plan
def resume(batch: BatchesOption = None, **options: Any) -> None:
    """Go on with what was released: open batches, or those of --batch. Releases nothing."""
    _pay(lambda: _plan(None, batches=tuple(batch or ()), **options))


@app.command()
def status(ledger: LedgerOption = None, batch: BatchesOption = None) -> None:
    """Show where a ledger's payouts stand. May be used while a run is going on."""
    name = required_ledger(ledger)

    async def look() -> int:
        async with reading(name) as found:
            every = await found.batches()
            chosen, which = chosen_batches(every, batch or ())
            numbers = [each.id for each in chosen]
            view = found.of_batches(numbers)
            summary, paused = await summary_of(view), await view.paused()
            currency, details = await found.currency(), await found.destination()
        for line in destination_lines({**details, "ledger": shown(name)}):
            echo(line)
        if which:
            echo(which)
        show(summary, currency)
        show_others(every, numbers, currency, sending=False)
        show_offered(every, name)
        show_outcomes(summary)
        show_paused(paused, name, batch or ())
        return summary.exit_code

    run_command(look)


@app.command("report")
def report_(
    ledger: LedgerOption = None,
    directory: Annotated[Path, typer.Option("--report", help="The folder to write into.")] = Path("report"),
    batch: BatchesOption = None,
) -> None:
    """Write the report: a page for people, one CSV row per payout, and a summary."""
    name = required_ledger(ledger)

    async def write() -> int:
        async with reading(name) as found:
            every = await found.batches()
            chosen, which = chosen_batches(every, batch or ())
            try_folder(directory)
            numbers = [each.id for each in chosen]
            details = {**await found.destination(), "ledger": shown(name)}
            summary = await write_report(found.of_batches(numbers), directory, batches=numbers, destination=details)
            currency = await found.currency()
        if which:
            echo(which)
        show(summary, currency)
        show_offered(every, name)
        show_outcomes(summary)
        echo(f"report: {directory / 'report.html'} for people, {directory / 'payouts.csv'} for machines")
        return summary.exit_code

    run_command(write)
