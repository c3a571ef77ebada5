"""What the ledgers' tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from paycools_async.batch import PHPayouts
from paycools_async.testing import ManualClock

if TYPE_CHECKING:
    from paycools_async.batch.ledger.postgres.ledger import PostgresLedger


@pytest.fixture
async def open_one(
    dsn: str, api: PHPayouts, clock: ManualClock
) -> AsyncIterator[Callable[..., Awaitable[PostgresLedger]]]:
    """`await open_one()`: the ledger as one more worker, or person, has it open, on a clock that the test moves."""
    from paycools_async.batch.ledger.postgres.ledger import PostgresLedger

    opened: list[PostgresLedger] = []

    async def opens(url: str = dsn, **options: Any) -> PostgresLedger:
        opened.append(await PostgresLedger.open(url, api.identity, **{"clock": clock.time, **options}))
        return opened[-1]

    yield opens
    for each in opened:
        await each.aclose()
