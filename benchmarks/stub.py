"""A server that costs next to nothing: no signature check, two fixed answers. Run as a module in a process of its own.

Every POST is answered with a payout's receipt (PENDING), every GET with a payout's status (COMPLETE).
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, cast

from .processes import config_from_parent, ended_by_parent, loop_factory, tell_parent

__all__ = ["AMOUNT", "RECEIPT", "STATUS"]

AMOUNT = 50_010
"""Centavos; of every payout here, so that the fixed status fits them all."""

_LARGEST = 1 << 16
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)


def _envelope(data: dict[str, Any]) -> bytes:
    return json.dumps({"code": 1000, "message": "success", "data": data}, separators=(",", ":")).encode()


RECEIPT = _envelope(
    {
        "transactionId": "D0176722560000000001",
        "transactionStatus": "PENDING",
        "transactionTime": "2026-01-01 08:00:00",
    }
)
STATUS = _envelope(
    {
        "mchOrderId": "BENCH0000000001",
        "transactionId": "D0176722560000000001",
        "amount": AMOUNT,
        "transactionStatus": "COMPLETE",
        "createTime": "2026-01-01 08:00:00",
        "returnTime": "2026-01-01 08:00:01",
        "remark": None,
        "failedCode": None,
        "failedMessage": None,
    }
)


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


_TO_POST, _TO_GET = _response(RECEIPT), _response(STATUS)


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._waiting = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._waiting += data
        while (end := self._whole_request()) is not None:
            self._transport.write(_TO_GET if self._waiting.startswith(b"GET ") else _TO_POST)
            self._waiting = self._waiting[end:]
        if len(self._waiting) > _LARGEST:
            self._transport.abort()

    def _whole_request(self) -> int | None:
        """Where the first request ends, once it is all there."""
        head = self._waiting.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._waiting, 0, head)
        end = head + 4 + (int(length[1]) if length else 0)
        return end if end <= len(self._waiting) else None


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    async with ended_by_parent() as over:
        tell_parent(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await over.wait()
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory(config_from_parent()["uvloop"])) as runner:
        runner.run(_serve())
