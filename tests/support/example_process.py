"""An example of docs in a process of its own, and who looks at it: an HTTP client, a browser where there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from support.ports import free_port

__all__ = ["CHROMIUM", "EXAMPLES", "Served", "dom", "eventually"]

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CHROMIUM = shutil.which("chromium")


class Served:
    """An example in a process of its own. `env`: settings besides this process's own."""

    def __init__(
        self, log: Path, name: str, *arguments: str, port: int | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, str(EXAMPLES / name), "--port", str(self.port), *arguments]
        self.log = log
        settings = {**os.environ, **(env or {})}
        settings.pop("PYTHONSAFEPATH", None)  # people start it without: it finds what stands beside it
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, env=settings)

    async def ready(self, http: aiohttp.ClientSession) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                async with http.get(self.url + "/"):
                    return
            except aiohttp.ClientError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < end
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """As a power cut does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


async def eventually(http: aiohttp.ClientSession, url: str, good: Callable[[Any], bool], *, within: float = 60) -> Any:
    end = time.monotonic() + within
    while True:
        async with http.get(url) as answer:
            found = await answer.json()
        if good(found):
            return found
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)


def dom(url: str, profile: Path, seconds: int = 20) -> str:
    """The page as the browser has it after its scripts have run for so many of its own seconds."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={profile}", f"--virtual-time-budget={seconds * 1000}", "--dump-dom", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
