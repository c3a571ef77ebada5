"""`paycools payouts reconcile`: hold a day of the ledger against PayCools' statement."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from ..batch import PHPayouts, SQLiteLedger
from ..batch.journeys import sqlite_journeys
from ..batch.reconcile import ALARMS, Finding, Reconciliation, Verdict, reconcile
from ..batch.schema import Row
from ..client import PayCoolsPH
from ..errors import ConfigurationError
from ..money import format_major, from_minor
from .run import failing_clearly, say, say_error
from .sandbox import open_sandbox

__all__ = ["reconcile_command"]

_CURRENCY = "PHP"


def reconcile_command(
    ledger: Annotated[list[str], typer.Option("--ledger", help="The ledger file; several, if several paid that day.")],
    day: Annotated[str, typer.Option("--date", help="The Philippine day, yyyy-MM-dd.")],
    api: Annotated[str, typer.Option("--api", help="ph; the Global API's report cannot be read yet.")] = "ph",
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ask the sandbox of `run --sandbox`.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write reconciliation.csv into this folder.")] = None,
) -> None:
    """Hold a day against PayCools' statement. Exit 0: both agree; 1: PayCools has what we do not; 3: else."""
    failing_clearly(lambda: _reconcile(ledger, day, api, sandbox, report))


async def _reconcile(ledgers: list[str], text: str, api: str, sandbox: bool, report: Path | None) -> int:
    if api != "ph":
        raise ConfigurationError(
            "--api: reconcile works with the PH API only; the Global API gives its report as an .xlsx behind a link "
            "(paycools.account), which has to be compared by hand for now"
        )
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"--date {text}: give a day as yyyy-MM-dd") from None
    if any("://" in name for name in ledgers):
        raise ConfigurationError("--ledger: reconcile reads ledger files only; PostgreSQL ledgers are not there yet")
    paths = [Path(name) for name in ledgers]
    async with _client(paths[0], sandbox) as paycools, contextlib.AsyncExitStack() as stack:
        identity = PHPayouts(paycools).identity
        opened: list[SQLiteLedger] = []
        for path in paths:
            found = await SQLiteLedger.open(path, identity, create=False, exclusive=False)
            stack.push_async_callback(found.aclose)
            opened.append(found)
        note = stack.enter_context(_csv(report)) if report is not None else lambda _: None

        async def find(order_id: str) -> Row | None:
            for each in opened:
                row = await each.get(order_id)
                if row is not None:
                    return row
            return None

        result = await reconcile(
            day,
            lambda wanted: paycools.account.payouts(create_date=wanted),
            find,
            itertools.chain.from_iterable(page for path in paths for page in sqlite_journeys(path)),
            note,
        )
    _show(result)
    if report is not None:
        say(f"report: {report / 'reconciliation.csv'}")
    return result.exit_code


@contextlib.asynccontextmanager
async def _client(ledger: Path, sandbox: bool) -> AsyncIterator[PayCoolsPH]:
    async with contextlib.AsyncExitStack() as stack:
        if sandbox:
            box = await stack.enter_async_context(open_sandbox(ledger, None))
            client = PayCoolsPH(box.fake.ph_credentials, base_url=box.base_url)
        else:
            client = PayCoolsPH.from_env()
        yield await stack.enter_async_context(client)


@contextlib.contextmanager
def _csv(folder: Path) -> Iterator[Callable[[Finding], None]]:
    """Writes findings as they are made; amounts in pesos. Holds no account data."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in attrs.fields(Finding)]
    with (folder / "reconciliation.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["mch_order_id" if name == "order_id" else name for name in names])

        def note(finding: Finding) -> None:
            writer.writerow([_cell(name, getattr(finding, name)) for name in names])

        yield note


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    return from_minor(value, _CURRENCY) if name.endswith("_amount") else str(value)


def _show(result: Reconciliation) -> None:
    if not result.counts:
        say(f"{result.day}: no payouts, neither here nor there")
    for verdict in Verdict:
        rows, amount = result.counts.get(verdict, (0, 0))
        if rows:
            say(f"{verdict.value:>20}: {rows:>8}  {format_major(amount, _CURRENCY):>24}")
    for verdict in Verdict:
        examples = result.examples.get(verdict, [])
        tell = say_error if verdict in ALARMS else say
        for finding in examples:
            tell(f"{verdict.value}: {_line(finding)}")
        more = result.counts.get(verdict, (0, 0))[0] - len(examples)
        if examples and more:
            tell(f"{verdict.value}: and {more} more")
    if result.exit_code == 1:
        say_error("ALARM: PayCools has payouts that the ledger does not know of. Find out who sent them, now.")


def _line(finding: Finding) -> str:
    here = there = "-"
    if finding.our_state is not None and finding.our_amount is not None:
        here = f"{finding.our_state.value} {format_major(finding.our_amount, _CURRENCY)}"
    if finding.their_status is not None or finding.their_amount is not None:
        amount = "?" if finding.their_amount is None else format_major(finding.their_amount, _CURRENCY)
        there = f"{finding.their_status or '?'} {amount}"
    return f"{finding.order_id}: here {here}, there {there}"
