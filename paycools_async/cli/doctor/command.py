"""`paycools doctor`: looks at everything that a payout needs, sends nothing but a question for the balance."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Annotated

import attrs
import typer

from ...batch import Identity
from ...countries import COUNTRIES, PHILIPPINES
from ..console import JsonOption, echo, present, run_command, styled
from ..exit_codes import BAD_INPUT
from ..lazy_group import with_example
from ..objects.settings import DoctorResult, FoundObject
from ..payouts.options import CountryOption, LedgerOption, chosen_country
from .findings import Finding, Level
from .ledger import look_at_ledger
from .machine import look_at_machine, look_at_network
from .online import ask_paycools, identity_of
from .settings import Settings, chosen_families, strange_variables

__all__ = ["doctor"]

_COLOURS = {Level.OK: typer.colors.GREEN, Level.WARNING: typer.colors.YELLOW, Level.FAULT: typer.colors.RED}


@with_example("paycools doctor --ledger wages.db")
def doctor(
    api: Annotated[
        str | None, typer.Option("--api", help="ph or global; by default whatever has a variable that is set.")
    ] = None,
    country: CountryOption = None,
    ledger: LedgerOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask PayCools for the balance.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at settings, keys, clock, network and a ledger; each fault with its cure. Moves no money.

    Exit 0: nothing hinders a payout, warnings or not; 2: there are faults.
    """
    if api is not None:
        chosen_country(api, country or ("PH" if api.lower() == "global" else None), COUNTRIES)
    elif country is not None:
        chosen_country("global", country, COUNTRIES)

    async def look() -> int:
        found: list[Finding] = []

        def tell(findings: Iterable[Finding], prefix: str = "") -> None:
            for each in findings:
                found.append(attrs.evolve(each, check=prefix + each.check))
                _show(found[-1])

        tell(look_at_machine())
        tell(strange_variables(os.environ))
        families = chosen_families(None if api is None else api.lower(), os.environ)
        owners = [await _look_at_api(family, country, offline, tell) for family in families]
        tell(await look_at_ledger(ledger, owners[0] if len(owners) == 1 else None, os.environ))
        counts = Counter(each.level for each in found)
        echo(f"{_count(counts[Level.FAULT], 'fault')}, {_count(counts[Level.WARNING], 'warning')}")
        present(
            DoctorResult(
                faults=counts[Level.FAULT], warnings=counts[Level.WARNING], findings=tuple(map(_object, found))
            )
        )
        return BAD_INPUT if counts[Level.FAULT] else 0

    run_command(look, as_json=as_json)


async def _look_at_api(family: str, country: str | None, offline: bool, tell: Callable[..., None]) -> Identity | None:
    """One API's settings, and what PayCools says to them; whose ledgers go with them."""
    prefix = f"{family}."
    settings = Settings(family, os.environ)
    tell(settings.look(), prefix)
    tell(look_at_network(settings.base_url, os.environ), prefix)
    if settings.credentials is None or settings.base_url is None:
        return None
    chosen = (country or PHILIPPINES.code).upper()
    if not offline:
        tell(await ask_paycools(settings, chosen), prefix)
    if family == "global" and country is None:
        return None
    return identity_of(settings, None if family == "ph" else chosen)


def _object(finding: Finding) -> FoundObject:
    return FoundObject(level=finding.level.value, check=finding.check, text=finding.text, cure=finding.cure)


def _show(finding: Finding) -> None:
    level = styled(f"{finding.level.value:<7}", fg=_COLOURS[finding.level], bold=finding.level is Level.FAULT)
    echo(f"{level} {finding.check}: {finding.text}")
    if finding.cure:
        echo(f"        cure: {finding.cure}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
