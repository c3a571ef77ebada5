"""An application's payouts on either store, against a fake PayCools in memory, in real but short time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.refund_house import RefundHouse

from paycools_async import CreatePayout, PayCoolsPH, PHCredentials
from paycools_async.durable import DurablePayout, DurablePayouts, Options
from paycools_async.ph import CreateRefund
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

QUICK = Options(first_inquiry_after=0.02, longest_inquiry_pause=0.1, absent_after=1.0, breaker=None)


def order(number: int = 1, **changes: Any) -> CreatePayout:
    values: dict[str, Any] = {
        "mch_order_id": f"APP{number:09}",
        "amount": 50010,
        "pay_method_code": "EWALLET",
        "ewallet_code": "GCASH",
        "account_no": "09171234567",
        "account_name": "Juan Cruz",
    }
    return CreatePayout(**{**values, **changes})


def refund(number: int = 1, **changes: Any) -> CreateRefund:
    values: dict[str, Any] = {
        "mch_refund_order_id": f"REFUND{number:06}",
        "original_transaction_id": f"T{number:010}",
        "refund_amount": 5000,
        "refund_callback_url": "https://shop.example/notify",
    }
    return CreateRefund(**{**values, **changes})


async def there(payouts: DurablePayouts, order_id: str) -> DurablePayout:
    """A payout that must be there."""
    found = await payouts.get(order_id)
    assert found is not None
    return found


def inside(payouts: Any) -> Any:
    """What they are made of while they are open."""
    assert payouts._opened is not None
    return payouts._opened


@pytest.fixture
def live(key: PrivateKey) -> FakePayCools:
    """A PayCools whose time passes by itself."""
    fake = FakePayCools(private_key=key)
    fake.payouts.settle_after = 0.02
    return fake


@pytest.fixture
async def client(live: FakePayCools) -> AsyncIterator[PayCoolsPH]:
    async with PayCoolsPH(live.ph_credentials, transport=live.transport(), timeout=2.0) as paycools:
        yield paycools


@pytest.fixture
def place(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where the ledger is: a SQLite file, or a schema of PostgreSQL."""
    return str(request.getfixturevalue("dsn")) if store == "postgres" else str(tmp_path / "payouts.db")


Make = Callable[..., DurablePayouts]


@pytest.fixture
def make(client: PayCoolsPH, place: str) -> Make:
    """`make(...)`: payouts that are not open yet."""

    def build(**options: Any) -> DurablePayouts:
        return DurablePayouts(client, place, **{"options": QUICK, "poll": 0.05, **options})

    return build


@pytest.fixture
async def opened(make: Make) -> AsyncIterator[Callable[..., Any]]:
    """`await opened(...)`: payouts that are open until the test ends."""
    async with AsyncExitStack() as stack:

        async def open_one(**options: Any) -> DurablePayouts:
            return await stack.enter_async_context(make(**options))

        yield open_one


@pytest.fixture
def house() -> RefundHouse:
    """A PayCools that refunds."""
    return RefundHouse()


@pytest.fixture
async def shop(house: RefundHouse, key: PrivateKey) -> AsyncIterator[PayCoolsPH]:
    """A client to that, over real HTTP."""
    credentials = PHCredentials(app_id="a" * 32, app_name="Shop", private_key=key)
    async with (
        house.server() as server,
        PayCoolsPH(credentials, base_url=str(server.make_url("")).rstrip("/"), timeout=1.0) as paycools,
    ):
        yield paycools
