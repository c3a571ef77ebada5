"""`paycools balance`: what there is to pay with."""

from __future__ import annotations

from decimal import Context, Decimal

from ...countries import COUNTRIES
from ...money import EXPONENTS, from_minor
from ..console import JsonOption, echo, present, run_command
from ..lazy_group import with_example
from ..objects.base import place_of
from ..objects.settings import BalanceResult
from ..payouts.options import ApiOption, CountryOption, chosen_country

__all__ = ["balance"]


@with_example("paycools balance --api global --country ID")
def balance(api: ApiOption = "ph", country: CountryOption = None, as_json: JsonOption = False) -> None:
    """Show the balance. Settings come from the PAYCOOLS_PH_* or the PAYCOOLS_GLOBAL_* variables."""
    picked = chosen_country(api, country, COUNTRIES)

    async def ask() -> int:
        from ...client import PayCoolsPH
        from ..clients import open_client
        from ..destination import Destination, destination_lines

        async with open_client(picked) as paycools:
            details = Destination.of(paycools, picked).details()
            for line in destination_lines(details):
                echo(line)
            currency = COUNTRIES[details["country"]].currency
            if isinstance(paycools, PayCoolsPH):
                found = Decimal(from_minor((await paycools.account.balance()).balance, currency))
            else:
                account = await paycools.account.balance(country_code=picked)  # type: ignore[arg-type]
                found = _in_decimals_of(currency, account.balance)
        echo(f"{currency} {found:,f}")
        present(BalanceResult(destination=place_of(details), currency=currency, balance=str(found)))
        return 0

    run_command(ask, as_json=as_json)


def _in_decimals_of(currency: str, balance: Decimal) -> Decimal:
    """PayCools writes 10000.00 rupiah, which have none. Where more than zeros would be lost, it stays as it is."""
    usual = balance.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), context=Context(prec=100))
    return usual if usual == balance else balance
