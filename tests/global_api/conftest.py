"""The Global API's side of the fake, and a client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from paycools_async import PayCoolsGlobal
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock, generate_private_key
from paycools_async.testing.server.merchant import Merchant


@pytest.fixture(scope="session")
def platform_key_pem() -> str:
    """PayCools' own private key in these tests."""
    return generate_private_key()


@pytest.fixture
def fake(key: PrivateKey, platform_key_pem: str, clock: ManualClock) -> FakePayCools:
    return FakePayCools(clock=clock, global_private_key=key, platform_private_key=platform_key_pem)


@pytest.fixture
def merchant(fake: FakePayCools) -> Merchant:
    return fake.global_merchant


@pytest.fixture
async def paycools(fake: FakePayCools) -> AsyncIterator[PayCoolsGlobal]:
    """A client whose network is the fake, in memory, on the fake's clock."""
    async with PayCoolsGlobal(fake.global_credentials, transport=fake.transport(), clock=fake.clock) as client:
        yield client
