"""A careless sandbox in a process of its own, for tests that kill those who pay through it.

It pays an order id as often as it is asked to: only the ledger stands between the merchant and a second payment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SANDBOX = """
import asyncio, sys
from pathlib import Path
from paycools_async.testing import FakePayCools, Sandbox

async def main():
    fake = FakePayCools(private_key=Path(sys.argv[1]).read_text(), seed=int(sys.argv[2]))
    fake.merchant.enforce_unique = False
    fake.payouts.settle_after = 0.3
    async with Sandbox(fake) as sandbox:
        print(sandbox.base_url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

FAULTS = [
    {"kind": "drop_after", "rate": 0.05, "only": "ph.payout.create"},
    {"kind": "drop_before", "rate": 0.05, "only": "ph.payout.create"},
    {"kind": "http_status", "rate": 0.05, "only": "ph.payout.create"},
    {"kind": "garbage", "rate": 0.03},
    {"kind": "delay", "rate": 1.0, "seconds": 0.02},
]


@pytest.fixture
def sandbox(tmp_path: Path, key_pem: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A careless sandbox in its own process: its address, and the environment that points the runner at it."""
    key = tmp_path / "merchant.pem"
    key.write_text(key_pem)
    process = subprocess.Popen(
        [sys.executable, "-c", SANDBOX, str(key), "11"], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    env = {
        **os.environ,
        "PAYCOOLS_PH_BASE_URL": base_url,
        "PAYCOOLS_PH_APP_ID": "f90addc4861540ef9312e87d8f360e08",
        "PAYCOOLS_PH_APP_NAME": "Sandbox Merchant",
        "PAYCOOLS_PH_PRIVATE_KEY": str(key),
    }
    yield base_url, env
    process.kill()
    process.wait()
    process.stdout.close()


def ask(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data, timeout=60) as answer:
        return json.load(answer)
