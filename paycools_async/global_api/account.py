"""1. Account: the balance of a country, and the daily report."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import attrs

from ..countries import COUNTRIES, CountryCode
from ..endpoint import GlobalRequest, endpoint, result
from ..fields import choice, day, integer
from ..product import Call, Product
from ..traits import DOCUMENTED
from .base import GlobalResult
from .download import ReportFile, fetch

__all__ = [
    "CountryBalance",
    "GetCountryBalance",
    "GetReportLink",
    "GlobalAccount",
    "ReportFile",
    "ReportLink",
]


@result
class CountryBalance(GlobalResult):
    """The merchant's balance in one country, as a Decimal of **major** units: 10000.00 is ten thousand pesos.

    Everything else in this API counts minor units; PayCools writes the balance as "10000.00".
    """

    # white labels of the same path answer integers, one of cents, one of whole units: not converted, see .raw
    balance: Decimal


@endpoint("global.account.balance", "POST", "/open-api/account/balance", nav="1.1", provenance=DOCUMENTED)
class GetCountryBalance(GlobalRequest[CountryBalance]):
    """Ask for the balance in a country (1.1). Documented. `country_code`: PH, ID, MY, TH or RU."""

    country_code: CountryCode = choice(*COUNTRIES)


@result
class ReportLink(GlobalResult):
    """A temporary link to an .xlsx file. Whoever has it can read the report, so it is not shown in `repr`."""

    download_url: str = attrs.field(repr=False)


@endpoint("global.account.report_download", "POST", "/open-api/report/download", nav="1.2", provenance=DOCUMENTED)
class GetReportLink(GlobalRequest[ReportLink]):
    """Get a link to the report of a day (1.2). Path and fields are documented on a Thai edition of the page.

    `trans_date`: "yyyy-MM-dd" or a `datetime.date`; in which zone a day begins is not documented. `trans_type`:
    1 payouts, 2 payments. The link expires soon; `paycools.account.download_report(...)` fetches the file at once.
    """

    # that edition has TH only; the other countries are inferred
    country_code: CountryCode = choice(*COUNTRIES)
    trans_date: str = day()
    trans_type: Literal[1, 2] = integer(values=(1, 2))


class GlobalAccount(Product):
    """Balances and reports."""

    balance: Final = Call(GetCountryBalance)
    report_link: Final = Call(GetReportLink)

    async def download_report(
        self,
        path: str | Path,
        *,
        country_code: CountryCode,
        trans_date: str,
        trans_type: Literal[1, 2],
        progress: Callable[[int, int | None], None] | None = None,
        max_bytes: int = 1 << 30,
        within: float = 600.0,
    ) -> ReportFile:
        """Fetch the report of a day (1.2) into a file, replaced whole at the end or not at all.

        `progress(done, total)` is called with bytes as they come; `total` is None where the server does not say.
        Streamed over the client's transport: memory stays flat. HTTPS only, and from a public address only, unless
        the client's own host is this machine or one of a private network; redirects are not followed. A link that
        breaks this, and a file that is cut off or larger than `max_bytes`, raise UnexpectedAnswer; network trouble
        raises TransportError, and a folder that cannot be written to FileError. The link stands in no error. Only its
        owner can read the file. `within` is seconds for the file.
        """
        wanted = GetReportLink(country_code=country_code, trans_date=trans_date, trans_type=trans_type)
        link: ReportLink = await self._client.send(wanted)
        return await fetch(
            self._client, link.download_url, Path(path), progress=progress, max_bytes=max_bytes, within=within
        )
