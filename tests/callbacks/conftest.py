"""The callbacks' verifiers, and inboxes over both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.callbacks import SECRET, MakeInbox, OpenStore, Shop, public_half

from paycools_async.callbacks import CallbackRouter, GlobalCallbacks, PHCallbacks
from paycools_async.callbacks.inbox import CallbackInbox, SQLiteStore
from paycools_async.testing import ManualClock


@pytest.fixture
def ph() -> PHCallbacks:
    return PHCallbacks(SECRET)


@pytest.fixture
def platform(other_key_pem: str) -> GlobalCallbacks:
    return GlobalCallbacks(public_half(other_key_pem))


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> OpenStore:
    """Opens the same store again and again, as one process after another does."""
    if request.param == "sqlite":
        return lambda: SQLiteStore.open(tmp_path / "inbox.db", clock=clock.time)
    dsn: str = request.getfixturevalue("dsn")
    from paycools_async.callbacks.postgres import PostgresStore

    return lambda: PostgresStore.open(dsn, clock=clock.time)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def make_inbox(open_store: OpenStore, shop: Shop, clock: ManualClock) -> AsyncIterator[MakeInbox]:
    """`await make_inbox()`: an inbox that applies when `drain` is called, and not by itself."""
    made: list[CallbackInbox] = []

    async def make(router: CallbackRouter | None = None) -> CallbackInbox:
        inbox = CallbackInbox(router or shop.router, await open_store(), clock=clock.time)
        made.append(inbox)
        return inbox

    yield make
    for inbox in made:
        await inbox.aclose()
