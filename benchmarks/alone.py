"""What the SDK does by itself, in processor time of one thread: a call without signing and network, and callbacks."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from paycools_async.callbacks import GlobalCallbacks, PHCallbacks
from paycools_async.callbacks.verify import Callbacks
from paycools_async.testing import generate_private_key
from paycools_async.transports import HttpRequest, HttpResponse, MemoryTransport

from .by_hand import Sign, with_cryptography
from .cases import Bench, sdk
from .stub import receipt

__all__ = ["CallbackBodies", "NullSigner", "overhead"]


class NullSigner:
    """Signs with zeros, at once."""

    async def sign(self, text: bytes) -> bytes:
        return b"\0" * 256


async def overhead(bench: Bench, family: str, calls: int) -> float:
    """Microseconds of one payout without signing and network: checks, text to sign, JSON both ways, typed result."""
    ids = [f"BENCH{number:010d}" for number in range(calls + 1)]
    kind = {"Content-Type": "application/json"}
    answers = iter([HttpResponse(200, kind, receipt(family, id)) for id in ids])

    def handler(_request: HttpRequest) -> HttpResponse:
        return next(answers)

    async with sdk(bench, family, NullSigner(), MemoryTransport(handler)) as pay:
        await pay(ids[0])
        started = time.thread_time()
        for id in ids[1:]:
            await pay(id)
        return (time.thread_time() - started) / calls * 1e6


class CallbackBodies:
    """Signed notifications of paid payouts, as PayCools documents them, each of another order."""

    SECRET = "benchmark secret"

    def __init__(self, count: int = 200, *, platform: str | None = None, sign: Sign | None = None) -> None:
        """`platform`: PayCools' key, made where none is given. `sign` stands in for its signature."""
        platform = platform or generate_private_key()
        public = load_pem_private_key(platform.encode(), password=None).public_key()
        self._pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        sign = sign or with_cryptography(platform)
        self._bodies = {
            "ph": [_ph_body(number, self.SECRET) for number in range(count)],
            "global": [_global_body(number, sign) for number in range(count)],
        }

    def of(self, family: str) -> list[bytes]:
        return self._bodies[family]

    def callbacks(self, family: str) -> Callbacks:
        """What parses them."""
        return PHCallbacks(self.SECRET) if family == "ph" else GlobalCallbacks(self._pem, country="ID")

    def parsed_per_second(self, family: str, times: int) -> float:
        """Callbacks verified and parsed in a second of one thread's processor time."""
        parse = self.callbacks(family).parse
        bodies = self._bodies[family]
        for body in bodies:
            parse(body)
        started = time.thread_time()
        for _ in range(times):
            for body in bodies:
                parse(body)
        return times * len(bodies) / (time.thread_time() - started)


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


def _ph_body(number: int, secret: str) -> bytes:
    fields = _event(number, "COMPLETE")
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + f"&secret={secret}"
    return json.dumps({**fields, "sign": hashlib.sha1(text.encode()).hexdigest()}).encode()


def _global_body(number: int, sign: Sign) -> bytes:
    param = json.dumps(_event(number, "COMPLETED"))
    signature = base64.b64encode(sign(param.encode())).decode()
    return json.dumps({"param": param, "sign": signature}).encode()
