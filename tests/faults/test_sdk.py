"""Every row of the fault table, over a real socket: what a single call makes of it, in both APIs."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from typing import Any

import pytest
from support.fault_calls import Call, a_client, calls, closed_port
from support.fault_table import TRIED, Family, Fault
from support.faulty_paycools import FaultyPayCools

from paycools_async import PayCoolsError
from paycools_async.signing import PrivateKey
from paycools_async.testing import ManualClock


@pytest.mark.parametrize("family", ["ph", "global"])
@pytest.mark.parametrize("kind", ["read", "create", "move"])
@pytest.mark.parametrize("fault", TRIED, ids=lambda fault: fault.name)
async def test_a_call(
    fault: Fault,
    kind: str,
    family: Family,
    key: PrivateKey,
    platform_key: Any,
    serving: ssl.SSLContext,
) -> None:
    clock = ManualClock()
    tls = serving if fault.place == "untrusted certificate" else None
    paycools = FaultyPayCools(family, fault, faulty="always", enters=False, tls=tls)
    async with paycools.server as server:
        url = closed_port() if fault.place == "closed port" else server.url
        async with a_client(family, url, key, platform_key, fault, clock) as client:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if fault.used:
                    await calls(client, family)["read"]()
                before = paycools.calls
                seen = await _what_comes(calls(client, family)[kind])
    assert seen == getattr(fault.cells, kind)
    if "not_sent" in seen:
        assert paycools.calls == 0
    elif kind != "read":
        assert paycools.calls - before <= 1, "what moves or creates is sent once"


async def _what_comes(call: Call) -> str:
    try:
        async with asyncio.timeout(3600):  # of the loop's clock, which a silent server moves
            await call()
    except PayCoolsError as error:
        return f"{type(error).__name__} {error.outcome.value}"
    return "result"
