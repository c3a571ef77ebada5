"""`python -m benchmarks instructions`: machine instructions of one call, counted by valgrind's callgrind.

Such a count does not depend on how fast or how busy the machine is, so it is what code changes are judged by. Each
part runs in a process of its own, once short and once long; the difference, for each call more, is its figure: import,
warm-up and whatever else happens once are not in it. The kernel's work is not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from paycools_async.testing import generate_private_key

from .stub import receipt, serving

SHORT, LONG = 20, 220
ROWS = 20
"""That share a commit."""


PARTS = {
    "ph.sdk": "PH: SDK alone, no signing, no network",
    "ph.sdk.info": "PH: the same with INFO on, a handler that does nothing",
    "ph.hand": "PH: by hand, the same work",
    "global.sdk": "Global: SDK alone, no signing, no network",
    "global.hand": "Global: by hand, the same work",
    "http": "bare aiohttp: one POST, its answer read",
    "ledger": "ledger: three durable moves, 20 rows a commit",
    "ph.callback": "PH: callback verified and parsed",
    "global.callback": "Global: callback verified and parsed, without RSA",
}
"""What is counted, by id."""


def missing() -> str | None:
    """What to install, in one line; None where all is there."""
    return None if shutil.which("valgrind") else "nothing is counted without valgrind: apt install valgrind"


def count(ids: Sequence[str], *, short: int = SHORT, long: int = LONG) -> dict[str, int]:
    """Instructions of one call of each part, by id."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(uvloop=False) as url,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        key = Path(folder, "key.pem")
        key.write_text(generate_private_key(), "utf-8")
        for id in ids:  # what is not compiled yet is compiled by this one, and not by one that is counted
            _own(id, short, url, key)
        runs = [pool.submit(_run, id, calls, url, key) for id in ids for calls in (short, long)]
        totals = [run.result() for run in runs]
    pairs = zip(totals[::2], totals[1::2], strict=True)
    return {id: round((more - less) / (long - short)) for id, (less, more) in zip(ids, pairs, strict=True)}


_COLLECTED = re.compile(r"Collected : (\d+)")


def _run(id: str, calls: int, url: str, key: Path) -> int:
    """Instructions of a whole process that makes so many calls of a part."""
    valgrind = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    found = _COLLECTED.search(_own(id, calls, url, key, *valgrind))
    if found is None:
        raise RuntimeError(f"valgrind has counted nothing of {id}")
    return int(found[1])


def _own(id: str, calls: int, url: str, key: Path, *under: str) -> str:
    """Make so many calls of a part in a process of its own; gives what stands in its error output."""
    own = [sys.executable, "-P", "-m", "benchmarks.instructions", id, str(calls), url, str(key)]
    # a fixed seed, and nothing of the caller's environment: sets and dicts of texts go the same way in every run
    environment = {"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([*under, *own], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{id} failed:\n{done.stderr[-2000:]}")
    return done.stderr


# -- what came of it ----------------------------------------------------------------------------------------------


def write(counts: dict[str, int], folder: Path) -> Path:
    """`instructions.json` in the folder, with that on which they were counted: another library counts otherwise."""
    libraries = ("paycools-async", "aiohttp", "attrs", "cattrs", "cryptography")
    found = {
        "taken": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in libraries},
        "instructions": counts,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "instructions.json"
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return path


def against(path: Path) -> dict[str, int]:
    """The counts of a kept run."""
    found: dict[str, int] = json.loads(path.read_text("utf-8"))["instructions"]
    return found


def table(counts: dict[str, int], before: dict[str, int] | None = None) -> str:
    """Each part with its count, how many times the hand-written code it is, and what it was before."""
    rows: list[tuple[str, ...]] = [
        ("what", "instructions", "x by hand", *(("before", "now / before") if before else ()))
    ]
    for id in (id for id in PARTS if id in counts):
        now, hand, old = counts[id], by_hand(counts, id), (before or {}).get(id)
        row = (PARTS[id], f"{now:,}", f"{hand:.1f}" if hand else "")
        compared = (f"{old:,}", f"{now / old:.2f}") if old else ("", "")
        rows.append((*row, *(compared if before else ())))
    return aligned(rows)


def by_hand(counts: Mapping[str, float], id: str) -> float | None:
    """How many times the instructions of hand-written code for the same work, where both were counted."""
    hand = id.removesuffix(".sdk") + ".hand"
    return counts[id] / counts[hand] if hand in counts else None


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of the same width, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


# -- in the process that is counted -------------------------------------------------------------------------------


def run_part(id: str, calls: int, url: str, key: Path) -> None:
    """So many calls of one part."""
    pem = key.read_text("utf-8")
    family, _, kind = id.partition(".")
    try:
        if kind == "callback":
            _callbacks(family, calls, pem)
        elif kind == "hand":
            asyncio.run(_by_hand(family, calls))
        elif id == "http":
            asyncio.run(_http(calls, url))
        elif id == "ledger":
            asyncio.run(_ledger(calls, url, pem))
        else:
            with _info() if kind == "sdk.info" else contextlib.nullcontext():
                asyncio.run(_sdk(family, calls, url, pem))
    finally:
        gc.unfreeze()


def _settled() -> None:
    """What was made so far is looked at no more: collections find the same in a short run and in a long one."""
    gc.collect()
    gc.freeze()


_IDS = [f"BENCH{number:010d}" for number in range(LONG + 1)]


async def _sdk(family: str, calls: int, url: str, pem: str) -> None:
    from .alone import answering
    from .cases import Bench, NullSigner, sdk

    async with sdk(Bench(url=url, pem=pem), family, signer=NullSigner(), transport=answering(family, _IDS)) as pay:
        _settled()
        for id in _IDS[:calls]:
            await pay(id)


async def _by_hand(family: str, calls: int) -> None:
    from .by_hand import checked_payout
    from .cases import NullSigner

    bodies = iter([receipt(family, id) for id in _IDS])
    sign = NullSigner().sign

    async def post(_path: str, _body: bytes) -> bytes:
        return next(bodies)

    _settled()
    for id in _IDS[:calls]:
        await checked_payout(family, sign, post, id)


async def _http(calls: int, url: str) -> None:
    import aiohttp

    from .cases import floor_fields

    async with aiohttp.ClientSession() as session:
        body = json.dumps(floor_fields("ph", "BENCH0000000001", "0" * 344)).encode()
        for number in range(calls + 1):
            if number == 1:
                _settled()
            async with session.post(url + "/api/v1/payout", data=body) as response:
                await response.read()


async def _ledger(calls: int, url: str, pem: str) -> None:
    """Without the runner: claimed, sent, accepted and settled, twenty rows to a commit.

    The rows are taken in before, as many in a short run as in a long one.
    """
    from paycools_async.batch.states import Event, State

    from .batch import opened_ledger
    from .cases import Bench

    async with Bench(url=url, pem=pem).client() as client, opened_ledger(client, LONG) as (_, ledger):
        await ledger.begin_run()
        _settled()
        for _ in range(calls // ROWS):
            rows = await ledger.claim([State.PLANNED], ROWS, max_resends=0)
            for event, id in (
                (Event.SEND, None),
                (Event.ACCEPTED, "D0176722560000000001"),
                (Event.FOUND_COMPLETE, "D0176722560000000001"),
            ):
                rows = await asyncio.gather(*(ledger.move(row, event, transaction_id=id) for row in rows))
        await ledger.end_run()


class _YesVerifier:
    """OpenSSL chooses its code by the processor, so its check would not be the same number everywhere."""

    def verify(self, _text: bytes, _signature: bytes) -> bool:
        return True


def _callbacks(family: str, calls: int, pem: str) -> None:
    from .alone import callback_bodies, callback_parser

    parse: Any = callback_parser(family, pem)
    if family == "global":
        parse.__self__._verifiers = [_YesVerifier()]
    bodies = callback_bodies(family, lambda _text: b"\0" * 256, LONG + 1)
    _settled()
    for body in bodies[: calls + 1]:
        parse(body)


@contextlib.contextmanager
def _info() -> Iterator[None]:
    log, handler = logging.getLogger("paycools_async"), logging.NullHandler()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(logging.NOTSET)
        log.removeHandler(handler)


if __name__ == "__main__":
    run_part(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
