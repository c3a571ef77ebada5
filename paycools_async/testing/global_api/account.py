"""The fake's account of the Global API (1): balances and reports."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import attrs

from ...money import from_minor
from ..server.merchant import Merchant, handles
from ..server.payments import SITE
from .payouts import CURRENCIES, GlobalPayoutRecords

__all__ = ["ReportLinks"]


@attrs.define
class ReportLinks:
    """Where the links to reports lead: `link(fields)` says it; else to `site`, which a `Sandbox` sets to itself."""

    site: str = SITE.rstrip("/")
    link: Callable[[dict[str, Any]], str] | None = None


@handles("global.account.balance")
def balance(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    country = fields["countryCode"]
    left = merchant.of(GlobalPayoutRecords).left_in(merchant, country)
    # two decimals everywhere, as in the sample
    return {"balance": str(from_minor(left, CURRENCIES[country]).quantize(Decimal("0.01")))}


@handles("global.account.report_download")
def report(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    reports = merchant.of(ReportLinks)
    if reports.link is not None:
        return {"downloadUrl": reports.link(fields)}
    named = {"app": merchant.app_id, "country": fields["countryCode"], "day": fields["transDate"], "Signature": "0"}
    return {"downloadUrl": f"{reports.site}/_sandbox/report.xlsx?{urlencode(named)}"}
