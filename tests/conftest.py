"""Shared parts: one RSA key per test run, a fake PayCools on a clock that tests move, and a client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from paycools_async import PayCoolsPH
from paycools_async.testing import FakePayCools, ManualClock, generate_private_key

pytest_plugins = ["conftest_batch"]


@pytest.fixture(scope="session")
def key_pem() -> str:
    """A 2048-bit private key, made for this run."""
    return generate_private_key()


@pytest.fixture(scope="session")
def other_key_pem() -> str:
    """A key that nobody has registered."""
    return generate_private_key()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fake(key_pem: str, clock: ManualClock) -> FakePayCools:
    return FakePayCools(clock=clock, private_key=key_pem)


@pytest.fixture
async def paycools(fake: FakePayCools) -> AsyncIterator[PayCoolsPH]:
    """A client whose network is the fake, in memory, on the fake's clock."""
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock) as client:
        yield client
