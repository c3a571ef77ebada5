"""Names of the version before still work, and say what they are called now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paycools_async.batch import Event, Identity, Options, PostgresLedger, Runner, SQLiteLedger
from paycools_async.batch.ledger.base import OLD_NAMES, Ledger
from paycools_async.testing import FakePayCools


async def test_a_ledgers_members_have_their_old_names(tmp_path: Path) -> None:
    ledger: Any = await SQLiteLedger.open(tmp_path / "l.db", Identity(family="ph", app_id="A", host="h"))
    try:
        for old, new in OLD_NAMES.items():
            with pytest.warns(DeprecationWarning, match=f"{old} is called {new} now") as caught:
                found = getattr(ledger, old)
            assert found == getattr(ledger, new)
            assert caught[0].filename == __file__
    finally:
        await ledger.aclose()


def test_every_new_name_is_one_of_the_protocol() -> None:
    for new in OLD_NAMES.values():
        assert new in {*dir(Ledger), *Ledger.__annotations__}
    assert isinstance(vars(Runner)["look_around"], property)
    assert isinstance(vars(PostgresLedger)["found"], property)


def test_options_take_their_old_arguments() -> None:
    with pytest.warns(DeprecationWarning, match="first_look is called first_inquiry_after now"):
        options: Any = Options(first_look=0.5)  # type: ignore[call-arg]
    assert options == Options(first_inquiry_after=0.5)
    with pytest.warns(DeprecationWarning, match="longest_look is called longest_inquiry_pause now"):
        assert options.longest_look == 30.0


@pytest.mark.parametrize(("old", "new"), [("HELD", Event.MERCHANT_REFUSED), ("DOUBTED", Event.UNLISTED_REFUSAL)])
def test_events_have_their_old_names_and_their_stored_texts(old: str, new: Event) -> None:
    with pytest.warns(DeprecationWarning, match=f"Event.{old} is called {new.name} now"):
        assert getattr(Event, old) is new
    assert new == old.lower()
    with pytest.raises(AttributeError, match="no member 'HELP'"):
        _ = Event.HELP  # type: ignore[attr-defined]


def test_credentials_and_faults_have_their_old_names(fake: FakePayCools) -> None:
    for old, new, owner in (
        ("fills", "client_fields", fake.ph_credentials),
        ("fills", "client_fields", fake.global_credentials),
        ("strike", "next_fault", fake.faults),
    ):
        with pytest.warns(DeprecationWarning, match=f"{old} is called {new} now"):
            assert getattr(owner, old) == getattr(owner, new)
