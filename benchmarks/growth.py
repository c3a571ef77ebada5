"""One batch in a fresh process, for its speed and the most memory it held. Run as a module by the suite."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .batch import run_batch
from .cases import Bench
from .processes import config_from_parent, loop_factory, peak_memory, tell_parent


async def _grow(config: dict[str, Any]) -> dict[str, Any]:
    bench = Bench(url=config["url"], pem=config["pem"], concurrency=config["concurrency"])
    before = peak_memory()
    found = await run_batch(bench, config["rows"])
    return {"rate": found.rate, "peak_mib": peak_memory(), "start_mib": before}


if __name__ == "__main__":
    given = config_from_parent()
    with asyncio.Runner(loop_factory=loop_factory(given["uvloop"])) as runner:
        tell_parent(json.dumps(runner.run(_grow(given))))
