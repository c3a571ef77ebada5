"""The fixture of the transport tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from paycools_async import AiohttpTransport


@pytest.fixture
async def network() -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(max_connections=1)
    yield transport
    await transport.aclose()
