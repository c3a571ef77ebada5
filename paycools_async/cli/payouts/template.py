"""`paycools payouts template` and `columns`: a file to begin with, and what each of its columns holds."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import attrs
import typer

from ...batch.files.described import Column, FileColumns
from ...batch.report.csv_cells import CsvWriter
from ...batch.run.payout_api import payout_request
from ...countries import COUNTRIES, PHILIPPINES
from ...errors import ConfigurationError
from ..console import JsonOption, echo, given, present, run_command
from ..lazy_group import with_example
from ..objects.payouts import ColumnObject, ColumnsResult, TemplateResult
from .options import ApiOption, CountryOption, chosen_country

__all__ = ["columns", "template"]

MethodOption = Annotated[
    str | None, typer.Option("--method", help="How the money arrives, such as BANK or EWALLET; BANK by default.")
]
_STANDARD_OUTPUT = Path("-")
_WIDEST, _NARROWEST = 100, 40


@with_example("paycools payouts template wages.csv --method EWALLET")
def template(
    file: Annotated[
        Path, typer.Argument(help="The file to write, .csv or .jsonl; - is standard output. Never one that exists.")
    ] = Path("payouts.csv"),
    api: ApiOption = "ph",
    country: CountryOption = None,
    method: MethodOption = None,
    every: Annotated[bool, typer.Option("--all", help="With the columns that may be left out, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a file with the right columns and one sample row, to put your payouts into."""
    picked = chosen_country(api, country)

    async def make() -> int:
        described = _described(picked)
        chosen = _method(described, method)
        names = [column.name for column in described.named(chosen, optional=every)]
        sample = described.sample(chosen)
        text = _text(file, names, sample)
        if file == _STANDARD_OUTPUT:
            if as_json:
                raise ConfigurationError("--json prints an object on standard output; give a file")
            sys.stdout.write(text)
            return 0
        _write(file, text)
        present(TemplateResult(file=str(file), method=chosen, columns=tuple(names)))
        settings = "" if picked is None else f" --api global --country {picked}"
        name = shlex.quote(str(file))
        echo(f"{file}: {len(names)} columns and one sample row; put your payouts in its place")
        only = "" if chosen == described.methods[0] else f" --method {chosen}"
        echo(f"What they hold:  paycools payouts columns{only}{settings}")
        echo(f"Check the file:  paycools payouts check {name}{settings}")
        echo(f"Try it first:    paycools payouts run {name} --sandbox --ledger try.db{settings}")
        others = [each for each in described.methods if each != chosen]
        if others and method is None:
            echo(f"Other methods:   --method {', '.join(others)}")
        return 0

    run_command(make, as_json=as_json)


@with_example("paycools payouts columns --api global --country ID")
def columns(
    api: ApiOption = "ph",
    country: CountryOption = None,
    method: MethodOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain each column of a payout file: whether a row must have it, how long it is, what it holds, an example."""
    picked = chosen_country(api, country)

    async def show() -> int:
        described = _described(picked)
        currency = _currency(picked)
        chosen = None if method is None else _method(described, method)
        found = [each for each in described.columns if chosen is None or _concerns(each, chosen)]
        if as_json:
            present(_object(picked, currency, described, found))
            return 0
        where = "PH API" if picked is None else f"Global API, {picked}"
        echo(f"Columns of a payout file ({where}, {currency}); methods: {', '.join(described.methods)}")
        for column in found:
            _show(column, chosen)
        echo("")
        echo("A column whose name begins with _ is yours: kept, shown in the report, never sent.")
        return 0

    run_command(show, as_json=as_json)


def _described(country: str | None) -> FileColumns:
    return FileColumns(payout_request(country), _currency(country))


def _currency(country: str | None) -> str:
    return COUNTRIES[country or PHILIPPINES.code].currency


def _method(described: FileColumns, method: str | None) -> str:
    if method is None:
        return described.methods[0]
    found = next((each for each in described.methods if each.casefold() == method.casefold()), None)
    if found is None:
        raise ConfigurationError(f"--method {given(method)}: give one of {', '.join(described.methods)}")
    return found


def _concerns(column: Column, method: str) -> bool:
    """Whether it may stand in a row of this method; what only others need does not."""
    return not column.required_for or method in column.required_for


# -- the file ---------------------------------------------------------------------------------------------------------


def _text(file: Path, names: list[str], sample: dict[str, str]) -> str:
    if file.suffix.lower() in (".jsonl", ".ndjson"):
        return json.dumps(sample, ensure_ascii=False) + "\n"
    if file != _STANDARD_OUTPUT and file.suffix.lower() != ".csv":
        raise ConfigurationError(f"{file}: give a name that ends with .csv or .jsonl")
    out = io.StringIO(newline="")
    writer = CsvWriter(out)
    writer.row(names)
    writer.row([sample.get(name, "") for name in names])
    return out.getvalue()


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8", newline="") as out:
            out.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{file} exists, and is not overwritten; give another name") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {getattr(error, 'strerror', None) or 'no such name'}") from None


# -- the columns, for people ------------------------------------------------------------------------------------------


def _show(column: Column, method: str | None) -> None:
    """A few lines, no wider than the terminal."""
    if column.required or (method is not None and method in column.required_for):
        needed = "required"
    elif column.required_for:
        needed = f"required for {', '.join(column.required_for)}"
    else:
        needed = "optional"
    echo("")
    echo(f"{column.name}  ({needed})")
    facts = [column.kind, column.unit, column.length, column.alphabet]
    if column.values:
        facts.append(f"one of {', '.join(column.values)}")
    if column.known:
        facts.append(f"known here: {', '.join(column.known)}; others are taken too")
    _wrapped("; ".join(fact for fact in facts if fact))
    if column.about:
        _wrapped(column.about)
    if column.example:
        _wrapped(f"example: {column.example}")


def _wrapped(text: str) -> None:
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    for line in textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="      "):
        echo(line)


def _object(country: str | None, currency: str, described: FileColumns, found: list[Column]) -> ColumnsResult:
    listed = tuple(ColumnObject(**attrs.asdict(column, recurse=False)) for column in found)
    return ColumnsResult(
        api="ph" if country is None else "global",
        country=country or PHILIPPINES.code,
        currency=currency,
        methods=described.methods,
        columns=listed,
    )
