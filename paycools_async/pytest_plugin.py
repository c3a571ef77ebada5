"""Fixtures for programs that use PayCools: a PayCools in memory, clients to it, and one clock for them all.

    async def test_the_salary_is_paid(paycools_ph, fake_paycools):
        await pay_salaries(paycools_ph)
        assert [payout.order_id for payout in fake_paycools.payouts.paid] == ["SALARY-1"]

pytest finds them where paycools-async is installed; `-p no:paycools` leaves them out. They are made when a test asks
for them, and need no plugin of your own for asyncio: `pytest-asyncio` and `anyio` both do. Nothing goes over a network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # imported when a fixture is asked for: other tests of a project need not wait for it
    from .client import PayCoolsGlobal, PayCoolsPH
    from .testing import FakePayCools, ManualClock

__all__ = ["fake_paycools", "paycools_clock", "paycools_global", "paycools_keys", "paycools_ph", "signed_callback"]


@pytest.fixture(scope="session")
def paycools_keys() -> dict[str, str]:
    """RSA keys of this test run, as PEM: `private_key`, `global_private_key`, `platform_private_key`."""
    from .testing import generate_private_key

    return {name: generate_private_key() for name in ("private_key", "global_private_key", "platform_private_key")}


@pytest.fixture
def paycools_clock() -> ManualClock:
    """The clock of the fake and of the clients: it starts now, and moves by `advance(seconds)` or a sleep on it.

    Define a fixture of this name to start at another moment: `ManualClock(start)`. Durable payouts and files need the
    present one, since their ledger writes down when it sent.
    """
    from .testing import ManualClock

    return ManualClock(time.time())


@pytest.fixture
def fake_paycools(paycools_clock: ManualClock, paycools_keys: dict[str, str]) -> FakePayCools:
    """A PayCools in memory, of this test alone."""
    from .testing import FakePayCools

    return FakePayCools(
        clock=paycools_clock,
        private_key=paycools_keys["private_key"],
        global_private_key=paycools_keys["global_private_key"],
        platform_private_key=paycools_keys["platform_private_key"],
    )


@pytest.fixture
def paycools_ph(fake_paycools: FakePayCools) -> Iterator[PayCoolsPH]:
    """A client of the PH API whose network is the fake."""
    from .client import PayCoolsPH

    client = PayCoolsPH(
        fake_paycools.ph_credentials,
        transport=fake_paycools.transport(),
        clock=fake_paycools.clock,
        paths=fake_paycools.ph_paths,
    )
    yield client
    _close(client)


@pytest.fixture
def paycools_global(fake_paycools: FakePayCools) -> Iterator[PayCoolsGlobal]:
    """A client of the Global API whose network is the fake."""
    from .client import PayCoolsGlobal

    client = PayCoolsGlobal(
        fake_paycools.global_credentials,
        transport=fake_paycools.transport(),
        clock=fake_paycools.clock,
        paths=fake_paycools.global_paths,
    )
    yield client
    _close(client)


@pytest.fixture
def signed_callback(fake_paycools: FakePayCools) -> Callable[..., bytes]:
    """The signed body of any callback: `signed_callback("disbursement.success", mch_order_id="A1", amount=50000)`."""
    return fake_paycools.signed_callback


def _close(client: PayCoolsPH | PayCoolsGlobal) -> None:
    """On a loop of its own, which is nobody's current one: the test's may be gone."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(client.aclose())
    finally:
        loop.close()
