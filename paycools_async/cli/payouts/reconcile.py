"""`paycools payouts reconcile`: hold a day of the ledger against PayCools' statement."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from ...batch import Identity
from ...batch.ledger.row import Row
from ...batch.reconcile.compare import ALARMS, Finding, Reconciliation, Verdict, reconcile
from ...batch.reconcile.known import read_known
from ...batch.reconcile.statements import FIELDS, Statement, global_statement, ph_statement
from ...batch.report.csv_cells import CsvWriter
from ...client import PayCoolsPH
from ...errors import ConfigurationError
from ...money import format_major, from_minor
from ...texts import shown_text
from ..clients import open_client, payouts_of
from ..console import JsonOption, echo, echo_error, given, present, run_command
from ..destination import Destination, destination_lines
from ..lazy_group import with_example
from ..ledger_url import is_postgres, reading, required_ledger, shown
from ..objects.base import amount_of, place_of
from ..objects.payouts import FindingObject, ReconcileResult
from .opening import country_of
from .options import CountryOption, LedgerApiOption

__all__ = ["reconcile_command"]


@attrs.frozen(kw_only=True)
class _Asked:
    ledgers: list[str]
    day: date
    country: str | None
    """The Global API's; None asks the PH API."""
    sandbox: bool
    report: Path | None
    columns: dict[str, str]
    minor: bool
    known: list[Path]


@with_example("paycools payouts reconcile --ledger wages.db --date 2026-11-26")
def reconcile_command(
    day: Annotated[str, typer.Option("--date", help="The day, yyyy-MM-dd, in the country's time.")],
    ledger: Annotated[
        list[str] | None, typer.Option("--ledger", help="The ledger; several, if several paid that day.")
    ] = None,
    api: LedgerApiOption = None,
    country: CountryOption = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ask the sandbox of `run --sandbox`.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write reconciliation.csv into this folder.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help=f"Global API: a header of its report, FIELD=HEADER. FIELD: {', '.join(FIELDS)}."),
    ] = None,
    minor: Annotated[bool, typer.Option("--minor", help="Global API: its report counts minor units.")] = False,
    known: Annotated[
        list[Path] | None,
        typer.Option("--known", help="What other programs paid: order ids, one a line, or a CSV; repeat for several."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a day against PayCools' statement. Exit 0: both agree; 1: PayCools has what we do not; 3: else."""
    names = [required_ledger(each) for each in ledger] if ledger else [required_ledger(None)]

    async def run() -> int:
        picked = await country_of(api, country, names[0], sandbox=sandbox)
        try:
            when = date.fromisoformat(day)
        except ValueError:
            raise ConfigurationError(f"--date {given(day)}: give a day as yyyy-MM-dd") from None
        if picked is None and (column or minor):
            raise ConfigurationError("--column and --minor say how to read the Global API's report: --api global")
        return await _reconcile(
            _Asked(
                ledgers=names,
                day=when,
                country=picked,
                sandbox=sandbox,
                report=report,
                columns=_columns(column or []),
                minor=minor,
                known=known or [],
            )
        )

    run_command(run, as_json=as_json)


def _columns(named: list[str]) -> dict[str, str]:
    found = {}
    for text in named:
        field, _, header = text.partition("=")
        if field not in FIELDS or not header.strip():
            raise ConfigurationError(f"--column {given(text)}: give FIELD=HEADER, FIELD one of {', '.join(FIELDS)}")
        found[field] = header
    return found


async def _reconcile(asked: _Asked) -> int:
    if asked.sandbox and is_postgres(asked.ledgers[0]):
        raise ConfigurationError("--sandbox keeps its records beside a ledger file; a PostgreSQL ledger has none")
    async with _statement(asked) as (statement, identity, destination), contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(reading(name, identity)) for name in asked.ledgers]
        for line in destination_lines(destination.details()):
            echo(line)
        details = destination.details(", ".join(map(shown, asked.ledgers)))
        note = stack.enter_context(_csv(asked.report, statement.currency, details)) if asked.report else lambda _: None

        async def find(order_id: str) -> Row | None:
            for each in opened:
                row = await each.get(order_id)
                if row is not None:
                    return row
            return None

        others = await asyncio.to_thread(read_known, asked.known, statement.currency)
        pages = itertools.chain.from_iterable(each.timelines() for each in opened)
        result = await reconcile(asked.day, statement, find, itertools.chain.from_iterable(pages), note, known=others)
    _show(result)
    present(_object(result, details, asked.report))
    if asked.report is not None:
        echo(f"report: {asked.report / 'reconciliation.csv'}")
    return result.exit_code


@contextlib.asynccontextmanager
async def _statement(asked: _Asked) -> AsyncIterator[tuple[Statement, Identity, Destination]]:
    """PayCools' side, and whose ledgers go with it. The Global API's reports hold account data and do not stay."""
    sandbox = Path(asked.ledgers[0]) if asked.sandbox else None
    async with open_client(asked.country, sandbox) as client:
        identity = payouts_of(client, asked.country).identity
        destination = Destination.of(client, asked.country, embedded=asked.sandbox)
        if isinstance(client, PayCoolsPH):
            yield ph_statement(client), identity, destination
            return
        with tempfile.TemporaryDirectory(prefix="paycools-report-") as folder:
            assert asked.country is not None  # noqa: S101 - else it were the PH API's client
            columns, minor = asked.columns, asked.minor
            found = global_statement(client, asked.country, Path(folder), columns=columns, minor=minor)
            yield found, identity, destination


@contextlib.contextmanager
def _csv(folder: Path, currency: str, details: dict[str, str]) -> Iterator[Callable[[Finding], None]]:
    """Writes findings as they are made; amounts in major units, and whose payouts they are. Holds no account data."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in attrs.fields(Finding)]
    with (folder / "reconciliation.csv").open("w", newline="", encoding="utf-8") as file:
        writer = CsvWriter(file)
        writer.row([*("mch_order_id" if name == "order_id" else name for name in names), *details])

        def note(finding: Finding) -> None:
            writer.row([*(_cell(name, getattr(finding, name), currency) for name in names), *details.values()])

        yield note


def _cell(name: str, value: Any, currency: str) -> Any:
    if value is None or not name.endswith("_amount"):
        return None if value is None else str(value)
    return from_minor(value, currency)


def _object(result: Reconciliation, details: dict[str, str], report: Path | None) -> ReconcileResult:
    currency = result.currency
    return ReconcileResult(
        day=result.day.isoformat(),
        currency=currency,
        destination=place_of(details),
        alarm=result.exit_code == 1,
        verdicts={verdict.value: amount_of(*sums, currency) for verdict, sums in sorted(result.counts.items())},
        findings=tuple(_finding(each, currency) for found in result.examples.values() for each in found),
        report=None if report is None else str(report / "reconciliation.csv"),
    )


def _finding(finding: Finding, currency: str) -> FindingObject:
    cells = attrs.asdict(finding, recurse=False)
    for name in ("our_amount", "their_amount"):
        cells[name] = None if cells[name] is None else str(from_minor(cells[name], currency))
    cells["mch_order_id"] = shown_text(cells.pop("order_id"), 80)
    cells["their_status"] = None if finding.their_status is None else shown_text(finding.their_status, 40)
    return FindingObject(**cells)


def _show(result: Reconciliation) -> None:
    if not result.counts:
        echo(f"{result.day}: no payouts, neither here nor there")
    for verdict in Verdict:
        rows, amount = result.counts.get(verdict, (0, 0))
        if rows:
            echo(f"{verdict.value:>20}: {rows:>8}  {format_major(amount, result.currency):>24}")
    for verdict in Verdict:
        examples = result.examples.get(verdict, [])
        tell = echo_error if verdict in ALARMS else echo
        for finding in examples:
            tell(f"{verdict.value}: {_line(finding, result.currency)}")
        more = result.counts.get(verdict, (0, 0))[0] - len(examples)
        if examples and more:
            tell(f"{verdict.value}: and {more} more")
    if result.exit_code == 1:
        echo_error("ALARM: PayCools has payouts that the ledger does not know of. Find out who sent them, now.")


def _line(finding: Finding, currency: str) -> str:
    here = there = "-"
    if finding.our_state is not None and finding.our_amount is not None:
        here = f"{finding.our_state.value} {format_major(finding.our_amount, currency)}"
    if finding.their_status is not None or finding.their_amount is not None:
        amount = "?" if finding.their_amount is None else format_major(finding.their_amount, currency)
        there = f"{shown_text(finding.their_status or '?', 40)} {amount}"
    return f"{shown_text(finding.order_id, 80)}: here {here}, there {there}"
