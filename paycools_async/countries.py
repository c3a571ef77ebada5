"""The countries PayCools works in. Each country's currency, zone and mobile numbers stand here, once.

COUNTRIES["ID"].currency == "IDR"
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Any, Literal

import attrs

from .texts import Form, mobile_form
from .times import BANGKOK, JAKARTA, MANILA

__all__ = [
    "COUNTRIES",
    "ID_MOBILE",
    "INDONESIA",
    "MALAYSIA",
    "MY_MOBILE",
    "PAYOUT_COUNTRIES",
    "PAYOUT_CURRENCIES",
    "PHILIPPINES",
    "PH_MOBILE",
    "RUSSIA",
    "THAILAND",
    "TH_MOBILE",
    "Country",
    "CountryCode",
    "Currency",
    "MobileRule",
    "PayoutCountryCode",
    "PayoutCurrency",
    "currency_of",
    "promptpay_doubt",
    "zone_of",
]

CountryCode = Literal["PH", "ID", "MY", "TH", "RU"]
PayoutCountryCode = Literal["PH", "ID", "MY", "TH"]
Currency = Literal["PHP", "IDR", "MYR", "THB", "RUB"]
PayoutCurrency = Literal["PHP", "IDR", "MYR", "THB"]


class MobileRule:
    """How a country writes its mobile numbers at home: 0 and the subscriber's digits.

    `prefix`: the country's calling code. `own`: the digits after it, as a pattern. `shortest`, `longest`: characters of
    the whole number, 0 included. `example`: a number of that form, which may be nobody's.
    """

    def __init__(self, prefix: str, own: str, shortest: int, longest: int, reason: str, *, example: str = "") -> None:
        self.prefix = prefix
        self.shortest = shortest
        self.longest = longest
        self.example = example
        self.form: Form = mobile_form("0" + own, reason)
        self._international = re.compile(rf"\+?{prefix}({own})", re.ASCII)

    def national(self, value: Any) -> Any:
        """The national form of a number given with the country's calling code.

        Anything else comes back as it is and is refused by the rule: a number is never padded and never cut.
        """
        match = self._international.fullmatch(value) if isinstance(value, str) else None
        return "0" + match[1] if match else value


@attrs.frozen(kw_only=True)
class Country:
    """One country, as PayCools counts and tells the time in it."""

    code: str
    currency: str
    exponent: int = 2
    """Decimal places of the currency, as this API counts them: amounts travel as integers of minor units."""
    zone: tzinfo = MANILA
    """Of times that name none."""
    mobile: MobileRule | None = None
    """None where no rule is known."""
    has_payouts: bool = True
    calling_code: str = attrs.field(
        default=attrs.Factory(lambda country: country.mobile.prefix if country.mobile else "", takes_self=True)
    )
    """What stands before a number of the country's in place of the 0."""


PH_MOBILE = MobileRule(
    "63", "9[0-9]{9}", 11, 11, "is no Philippine mobile number (09 and nine more digits)", example="09170000001"
)
ID_MOBILE = MobileRule(
    "62", "8[0-9]{8,11}", 10, 13, "is no Indonesian mobile number (08 and 8 to 11 more digits)", example="081200000001"
)
MY_MOBILE = MobileRule(
    "60", "1[0-9]{8,9}", 10, 11, "is no Malaysian mobile number (01 and 8 or 9 more digits)", example="0120000001"
)
TH_MOBILE = MobileRule(
    "66", "[689][0-9]{8}", 10, 10, "is no Thai mobile number (06, 08 or 09 and eight more digits)", example="0810000001"
)

# No page names a zone. Published transaction ids hold their own time of creation, and the texts beside them are seven
# hours ahead of it in Indonesia and Thailand, eight in a refund; notifications that do write an offset write +08:00.
PHILIPPINES = Country(code="PH", currency="PHP", mobile=PH_MOBILE)
INDONESIA = Country(code="ID", currency="IDR", exponent=0, zone=JAKARTA, mobile=ID_MOBILE)  # whole rupiah
MALAYSIA = Country(code="MY", currency="MYR", mobile=MY_MOBILE)
THAILAND = Country(code="TH", currency="THB", zone=BANGKOK, mobile=TH_MOBILE)
RUSSIA = Country(code="RU", currency="RUB", has_payouts=False, calling_code="7")

COUNTRIES = {each.code: each for each in (PHILIPPINES, INDONESIA, MALAYSIA, THAILAND, RUSSIA)}
"""By code."""

PAYOUT_COUNTRIES = tuple(each.code for each in COUNTRIES.values() if each.has_payouts)
"""The codes of all countries but those that only collect."""

PAYOUT_CURRENCIES = tuple(COUNTRIES[code].currency for code in PAYOUT_COUNTRIES)


def currency_of(code: Any) -> str | None:
    """The currency of a country; None where the code is none of PayCools'."""
    country = COUNTRIES.get(code) if isinstance(code, str) else None
    return None if country is None else country.currency


def zone_of(code: str | None) -> tzinfo:
    """The zone of a country's times that name none: UTC+7 in Indonesia and Thailand, else UTC+8. Inferred."""
    country = COUNTRIES.get(code or "")
    return MANILA if country is None else country.zone


def promptpay_doubt(account_type: Any, account_no: Any) -> str | None:
    """Why a PromptPay account is hardly what its type says: MSISDN a mobile number, NATID a number of 13 digits.

    PayCools' pages name the two and give no form, so it is a doubt and no fault.
    """
    if not isinstance(account_no, str):
        return None
    if account_type == "MSISDN" and not TH_MOBILE.form.fits(TH_MOBILE.national(account_no)):
        return "is no Thai mobile number (06, 08 or 09 and eight more digits): a zero in front may be lost"
    if account_type == "NATID" and re.fullmatch(r"[0-9]{13}", account_no.replace("-", ""), re.ASCII) is None:
        return "is no Thai national id (13 digits): a zero in front may be lost"
    return None
