"""`paycools payouts`: check a file, offer it, pay it, resume, look, report."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ...batch import Options, State
from ...countries import COUNTRIES, PHILIPPINES
from ...errors import ConfigurationError
from ..console import JsonOption, echo, echo_error, present, run_command, speaks_json
from ..destination import destination_lines
from ..exit_codes import BAD_INPUT
from ..lazy_group import lazy_group
from ..ledger_url import given_ledger, reading, required_ledger, shown
from ..monitoring.logs import LogFormatOption, logging_as
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
    DryRunOption,
    EncodingOption,
    FileArgument,
    IgnoreOption,
    LedgerApiOption,
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
    WatchOption,
    YesOption,
    chosen_country,
)
from .run.plan import Plan, whoami
from .showing import (
    amount_of,
    chosen_batches,
    sandbox_option,
    show,
    show_failures,
    show_offered,
    show_others,
    show_outcomes,
    show_paused,
    summary_of,
)

__all__ = ["app"]

_HERE = __name__.rpartition(".")[0]

app: typer.Typer = typer.Typer(
    help="Pay files of payouts, and never twice.",
    epilog="Example: paycools payouts check wages.csv",
    no_args_is_help=True,
    cls=lazy_group(
        {
            "template": f"{_HERE}.template:template",
            "columns": f"{_HERE}.template:columns",
            "failures": f"{_HERE}.failures:failures",
            "show": f"{_HERE}.failures:show_order",
            "batches": f"{_HERE}.batches:batches",
            "withdraw": f"{_HERE}.batches:withdraw",
            "backup": f"{_HERE}.batches:backup",
            "reconcile": f"{_HERE}.reconcile:reconcile_command",
            "worker": f"{_HERE}.worker:worker",
            "prepare": f"{_HERE}.worker:prepare",
        },
        order=("template", "columns", "check", "run", "status", "show", "failures", "report", "release", "resume"),
    ),
)


@app.command(epilog="Example: paycools payouts check wages.csv")
def check(
    file: FileArgument,
    api: ApiOption = "ph",
    country: CountryOption = None,
    encoding: EncodingOption = None,
    ignore_column: IgnoreOption = None,
    codes: CodesOption = None,
    plain_names: PlainNamesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check every row. Lists every fault with its line, column and reason; sends nothing."""
    from ...batch.intake import check_file
    from ...batch.run.payout_api import payout_request
    from .intake import check_object, reading_of, tell_bad_rows, tell_file, tell_repeats

    chosen = chosen_country(api, country)
    request_class = payout_request(chosen)
    currency = COUNTRIES[chosen or PHILIPPINES.code].currency

    async def look() -> int:
        how = reading_of(encoding, ignore_column, codes, plain_names)
        found, repeats, rows = await check_file(file, request_class, currency, how)
        if as_json:
            present(check_object(file, found, repeats, rows, currency))
        tell_file(file, rows)
        if tell_bad_rows(file, found):
            return BAD_INPUT
        tell_repeats(file, repeats)
        echo(f"{file.name}: {amount_of(found.new, found.total, currency)}, no faults")
        return 0

    run_command(look, as_json=as_json)


def _plan(
    file: Path | None,
    ledger: LedgerOption = None,
    api: LedgerApiOption = None,
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
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    log_format: LogFormatOption = None,
    **own: Any,
) -> Plan:
    return Plan(
        country=chosen_country(api or "ph", country),
        file=file,
        ledger=required_ledger(ledger) if file is None else given_ledger(ledger) or _ledger_beside(file),
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
        dry_run=dry_run,
        as_json=as_json,
        **own,
    )


def _ledger_beside(file: Path) -> str:
    if not file.name:
        raise ConfigurationError(f"{file}: give a .csv or a .jsonl file, or an .xlsx")
    return str(file.with_suffix(".ledger.db"))


def _takes_options_of_plan(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take what `_plan` takes in place of its `**options`; typer reads it from the signature."""
    own = [each for each in _parameters(command) if each.kind is not each.VAR_KEYWORD]
    options = [each for each in _parameters(_plan) if each.name != "file" and each.kind is not each.VAR_KEYWORD]
    command.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    return command


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters.values()


def _pay(plan: Callable[[], Plan], options: Mapping[str, Any]) -> None:
    from .run.pay import pay

    async def go() -> int:
        return await pay(plan())

    with logging_as(options.get("log_format")):
        run_command(go, as_json=options.get("as_json", False), pays=True)


def _pay_from(ledger: str | None, options: dict[str, Any], **own: Any) -> None:
    """Pay what a ledger has: through the API that it was paid through, unless the options say another."""
    from .opening import country_of
    from .run.pay import pay

    async def go() -> int:
        api, country = options.pop("api", None), options.pop("country", None)
        found = await country_of(api, country, required_ledger(ledger), sandbox=options.get("sandbox", False))
        api = "ph" if found is None else "global"
        return await pay(_plan(None, ledger=ledger, api=api, country=found, **own, **options))

    with logging_as(options.get("log_format")):
        run_command(go, as_json=options.get("as_json", False), pays=True)


@app.command(epilog="Example: paycools payouts run wages.csv --ledger wages.db --report out")
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
    from .intake import reading_of

    def plan() -> Plan:
        how = reading_of(encoding, ignore_column, codes, plain_names)
        return _plan(file, offer=offer, expect_count=expect_count, expect_total=expect_total, reading=how, **options)

    _pay(plan, options)


@app.command(epilog="Example: paycools payouts release --ledger wages.db --batch 4 --expect-total 10002.00")
@_takes_options_of_plan
def release(
    batch: Annotated[int, typer.Option("--batch", help="The batch that waits for your yes.")],
    expect_count: CountOption = None,
    expect_total: TotalOption = None,
    **options: Any,
) -> None:
    """Say yes to a batch that was offered, and send it."""
    own = {"release": batch, "expect_count": expect_count, "expect_total": expect_total}
    _pay_from(options.pop("ledger", None), options, **own)


@app.command(epilog="Example: paycools payouts resume --ledger wages.db")
@_takes_options_of_plan
def resume(batch: BatchesOption = None, **options: Any) -> None:
    """Go on with what was released: open batches, or those of --batch. Releases nothing."""
    _pay_from(options.pop("ledger", None), options, batches=tuple(batch or ()))


@app.command(epilog="Example: paycools payouts status --ledger wages.db --json")
def status(
    ledger: LedgerOption = None,
    batch: BatchesOption = None,
    watching: WatchOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show where a ledger's payouts stand. May be used while a run is going on."""
    name = required_ledger(ledger)

    async def look() -> int:
        async with reading(name) as found:
            if watching:
                from .watching import watch_until_stopped

                if not await watch_until_stopped(found, batch or ()):
                    echo_error("stopped watching; nothing was changed")
                    return BAD_INPUT
            every = await found.batches()
            chosen, which = chosen_batches(every, batch or ())
            numbers = [each.id for each in chosen]
            view = found.of_batches(numbers)
            summary, paused = await summary_of(view), await view.paused()
            failed = await view.failures() if summary.rows(State.FAILED) else []
            currency, details = await found.currency(), {**await found.destination(), "ledger": shown(name)}
        _present_status(summary, failed, every, numbers, details, currency, paused=paused)
        for line in destination_lines(details):
            echo(line)
        if which:
            echo(which)
        show(summary, currency)
        show_failures(failed, currency)
        show_others(every, numbers, currency, sending=False)
        show_offered(every, name, *sandbox_option(details))
        show_outcomes(summary)
        show_paused(paused, name, batch or (), sandbox_option(details))
        return summary.exit_code

    run_command(look, as_json=as_json)


@app.command("report", epilog="Example: paycools payouts report --ledger wages.db --report out")
def report_(
    ledger: LedgerOption = None,
    directory: Annotated[Path, typer.Option("--report", help="The folder to write into.")] = Path("report"),
    batch: BatchesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report: a page for people, one CSV row per payout, and a summary."""
    from ...batch.report.write import write_report
    from .opening import try_folder

    name = required_ledger(ledger)

    async def write() -> int:
        async with reading(name) as found:
            every = await found.batches()
            chosen, which = chosen_batches(every, batch or ())
            try_folder(directory)
            numbers = [each.id for each in chosen]
            details = {**await found.destination(), "ledger": shown(name)}
            view = found.of_batches(numbers)
            summary = await write_report(view, directory, batches=numbers, destination=details)
            failed = await view.failures() if summary.rows(State.FAILED) else []
            currency = await found.currency()
        _present_status(summary, failed, every, numbers, details, currency, report=str(directory))
        if which:
            echo(which)
        show(summary, currency)
        show_failures(failed, currency)
        show_offered(every, name, *sandbox_option(details))
        show_outcomes(summary)
        echo(f"report: {directory / 'report.html'} for people, {directory / 'payouts.csv'} for machines")
        return summary.exit_code

    run_command(write, as_json=as_json)


def _present_status(*found: Any, **more: Any) -> None:
    """For `--json` alone: others do not wait for the classes."""
    if speaks_json():
        from ..objects.ledgers import status_object

        present(status_object(*found, **more))
