"""What the SDK does by itself: a call without signing and network, callbacks, and its import."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from paycools_async.callbacks import GlobalCallbacks, PHCallbacks
from paycools_async.transports import HttpRequest, HttpResponse, MemoryTransport

from .by_hand import Sign, with_cryptography
from .cases import Bench, NullSigner, sdk
from .stub import receipt


def answering(family: str, ids: list[str]) -> MemoryTransport:
    """Answers the payouts of these orders, in this order; the answers are made beforehand."""
    answers = iter([HttpResponse(200, {"Content-Type": "application/json"}, receipt(family, id)) for id in ids])

    def handler(_request: HttpRequest) -> HttpResponse:
        return next(answers)

    return MemoryTransport(handler)


async def overhead(bench: Bench, family: str, calls: int) -> float:
    """Seconds of this thread's processor time of one payout: checks, text to sign, JSON both ways, typed result."""
    ids = [f"BENCH{number:010d}" for number in range(calls + 1)]
    async with sdk(bench, family, signer=NullSigner(), transport=answering(family, ids)) as pay:
        await pay(ids[0])
        started = time.thread_time()
        for id in ids[1:]:
            await pay(id)
        return (time.thread_time() - started) / calls


# -- callbacks --------------------------------------------------------------------------------------------------------

_SECRET = "benchmark secret"


def callback_parser(family: str, pem: str) -> Callable[[bytes], object]:
    """What verifies and parses a callback; `pem` is PayCools' key."""
    if family == "ph":
        return PHCallbacks(_SECRET).parse
    public = load_pem_private_key(pem.encode(), password=None).public_key()
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return GlobalCallbacks(text, country="ID").parse


def callback_bodies(family: str, sign: Sign, count: int) -> list[bytes]:
    """Signed notifications of paid payouts, as PayCools documents them, each of another order."""
    return [(_ph_body if family == "ph" else _global_body)(number, sign) for number in range(count)]


def _event(number: int, status: str) -> dict[str, Any]:
    return {
        "amount": 312500,
        "createTime": "2026-05-31 09:38:03",
        "eventName": "disbursement.success",
        "mchOrderId": f"CQPL{number:016d}",
        "remark": "cash credit",
        "returnTime": "2026-05-31 09:38:56",
        "transactionId": f"D103{number:016d}",
        "transactionStatus": status,
    }


def _ph_body(number: int, _sign: Sign) -> bytes:
    fields = _event(number, "COMPLETE")
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + f"&secret={_SECRET}"
    return json.dumps({**fields, "sign": hashlib.sha1(text.encode()).hexdigest()}).encode()


def _global_body(number: int, sign: Sign) -> bytes:
    param = json.dumps(_event(number, "COMPLETED"))
    return json.dumps({"param": param, "sign": base64.b64encode(sign(param.encode())).decode()}).encode()


def callback_time(family: str, pem: str, times: int) -> float:
    """Seconds of one thread's processor time in which a callback is verified and parsed; 200, so many times."""
    parse, bodies = callback_parser(family, pem), callback_bodies(family, with_cryptography(pem), 200)
    for turn in range(times + 1):
        if turn == 1:
            started = time.thread_time()
        for body in bodies:
            parse(body)
    return (time.thread_time() - started) / (times * len(bodies))


# -- the import, in fresh interpreters --------------------------------------------------------------------------------

_TIMED = "import time; started = time.perf_counter(); import paycools_async; print(time.perf_counter() - started)"
_LOADED = """
import sys
import paycools_async as p
after_import = "aiohttp" in sys.modules
client = p.PayCoolsPH(p.PHCredentials(app_id="a", app_name="a", private_key=sys.stdin.read()))
by_client = "aiohttp" in sys.modules
print("by the import" if after_import else "by making a client" if by_client else "when a client is opened")
"""


def _python(code: str, given: str = "") -> str:
    done = subprocess.run([sys.executable, "-I", "-c", code], input=given, text=True, capture_output=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"the import failed; paycools-async must be installed: {done.stderr[-500:]}")
    return done.stdout.strip()


def when_aiohttp_is_loaded(pem: str) -> str:
    """Import, make a client, open nothing. It also leaves the bytecode where the next interpreters find it."""
    return _python(_LOADED, pem)


def import_once() -> float:
    """Seconds of the import statement."""
    return float(_python(_TIMED))
