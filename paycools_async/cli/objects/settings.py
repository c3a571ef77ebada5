"""The objects of `paycools balance`, `keys` and `doctor`."""

from __future__ import annotations

import attrs

from .base import Place, said

__all__ = ["BalanceResult", "DoctorResult", "FoundObject", "KeysResult"]


@attrs.frozen(kw_only=True)
class BalanceResult:
    """`balance`"""

    destination: Place = said("who was asked, and for whom")
    currency: str = said("such as PHP")
    balance: str = said('in major units, such as "500.10"')


@attrs.frozen(kw_only=True)
class KeysResult:
    """`keys check`"""

    key_bits: int = said("the private key's length")
    public_key: str = said("its public half, as PayCools takes it")
    callbacks: bool | None = said(
        "whether there is what verifies callbacks, a secret or a key; null: a file was checked"
    )
    accepted_by: str | None = said("the base URL of who accepted it; null without --online")


@attrs.frozen(kw_only=True)
class FoundObject:
    """One thing that was looked at."""

    level: str = said("ok, warning or fault")
    check: str = said("what was looked at, such as ph.private_key; stays the same from release to release")
    text: str = said("what was found, for people")
    cure: str = said("what to do about it; empty where nothing is to be done")


@attrs.frozen(kw_only=True)
class DoctorResult:
    """`doctor`"""

    faults: int = said("how many hinder payouts or callbacks, or are a danger to them")
    warnings: int = said("how many a person should look at")
    findings: tuple[FoundObject, ...] = said("all of them, in the order they were looked at")
