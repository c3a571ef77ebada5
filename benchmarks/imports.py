"""How long `import paycools_async` takes in a fresh interpreter, and when aiohttp is loaded."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import attrs

__all__ = ["Import", "Loaded", "import_once", "when_aiohttp_is_loaded"]

_TIMED = """
import time
started = time.perf_counter()
import paycools_async
print((time.perf_counter() - started) * 1000)
"""
_LOADED = """
import sys
import paycools_async as p
after_import = "aiohttp" in sys.modules
client = p.PayCoolsPH(p.PHCredentials(app_id="a", app_name="a", private_key=sys.stdin.read()))
print(int(after_import), int("aiohttp" in sys.modules))
"""


@attrs.frozen(kw_only=True)
class Import:
    """Milliseconds: of the import statement, and by which the whole process took longer than one that does nothing."""

    statement: float
    process: float


@attrs.frozen(kw_only=True)
class Loaded:
    """Whether aiohttp was loaded by then."""

    after_import: bool
    after_client: bool


def _python(code: str, given: str = "") -> tuple[str, float]:
    """What a fresh interpreter prints, and how many milliseconds it lived."""
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-I", "-c", code], input=given, text=True, capture_output=True, timeout=60)
    took = (time.perf_counter() - started) * 1000
    if done.returncode:
        raise RuntimeError(f"the import failed; paycools-async must be installed: {done.stderr[-500:]}")
    return done.stdout, took


async def when_aiohttp_is_loaded(pem: str) -> Loaded:
    """Import, make a client, open nothing. It also leaves the bytecode where the next interpreters find it."""
    printed, _ = await asyncio.to_thread(_python, _LOADED, pem)
    after_import, after_client = printed.split()
    return Loaded(after_import=after_import == "1", after_client=after_client == "1")


async def import_once() -> Import:
    """One interpreter that does nothing, and one that imports."""
    _, nothing = await asyncio.to_thread(_python, "pass")
    printed, took = await asyncio.to_thread(_python, _TIMED)
    return Import(statement=float(printed), process=took - nothing)
