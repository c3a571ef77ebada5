"""The SDK's own sandbox in a process of its own: a PayCools that checks signatures and keeps books. Run as a module."""

from __future__ import annotations

import asyncio
from typing import Any

from paycools_async.testing import FakePayCools, Sandbox

from .processes import config_from_parent, ended_by_parent, loop_factory, tell_parent


async def _serve(config: dict[str, Any]) -> None:
    fake = FakePayCools(private_key=config["pem"])
    fake.merchant.enforce_unique = config["enforce_unique"]
    async with Sandbox(fake) as box, ended_by_parent() as over:
        tell_parent(box.base_url)
        await over.wait()


if __name__ == "__main__":
    given = config_from_parent()
    with asyncio.Runner(loop_factory=loop_factory(given["uvloop"])) as runner:
        runner.run(_serve(given))
