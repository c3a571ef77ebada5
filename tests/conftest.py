"""Shared parts: one RSA key per test run, a fake PayCools on a clock that tests move, and a client to it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.size import FULL

from paycools_async import PayCoolsPH, load_private_key
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock, generate_private_key

ROOT = Path(__file__).parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # last: for the benchmarks; what is installed goes before what stands here

# the same examples each time, however slow the machine is; --hypothesis-seed=random draws others
settings.register_profile(
    "ours",
    max_examples=100 if FULL else 10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ours")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job: what tests start must hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
if (
    hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
):  # under nohup: the end of a terminal too
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """`-n auto`: more workers than processors, for tests wait for files, processes and clocks as well."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + min(processors, 4)


pytest_plugins = [
    "support.authority",
    "support.batch",
    "support.own_postgres",
    "support.postgres",
    "support.restricted",
    "support.sandbox",
    "support.tiers",
    "support.transports",
]


@pytest.fixture(scope="session")
def key_pem() -> str:
    """A 2048-bit private key, made for this run."""
    return generate_private_key()


@pytest.fixture(scope="session")
def key(key_pem: str) -> PrivateKey:
    """The same key, parsed once: RSA keys are slow to check."""
    return load_private_key(key_pem)


@pytest.fixture(scope="session")
def other_key_pem() -> str:
    """A key that nobody has registered."""
    return generate_private_key()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fake(key: PrivateKey, clock: ManualClock) -> FakePayCools:
    return FakePayCools(clock=clock, private_key=key)


@pytest.fixture
async def paycools(fake: FakePayCools) -> AsyncIterator[PayCoolsPH]:
    """A client whose network is the fake, in memory, on the fake's clock."""
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock) as client:
        yield client
