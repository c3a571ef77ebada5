"""A server that costs next to nothing: no signature check, fixed answers, in a process of its own.

What it answers hangs on the method and the path alone; where an answer names the order, it is the request's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from multiprocessing.connection import Connection
from typing import cast

from paycools_async.times import MANILA

from .processes import run, running, until_told

AMOUNT = 50_010
"""Centavos; of every PH payout here, so that the fixed status fits them all."""
IDR_AMOUNT = 50_000
"""Whole rupiah; of every Global payout here."""

_LARGEST = 1 << 16
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_ORDER_ID = re.compile(rb"mchOrderId\W+(\w+)")
_ORDER = "ORDERID"
"""Stands in a template for the order's id."""
_NOW = datetime.now(MANILA).strftime("%Y-%m-%d %H:%M:%S")


_STATUS = f"""\
{{"code":1000,"message":"success","data":{{"mchOrderId":"{_ORDER}","transactionId":"D0176722560000000001",\
"amount":{AMOUNT},"transactionStatus":"COMPLETE","createTime":"{_NOW}","returnTime":"{_NOW}",\
"remark":null,"failedCode":null,"failedMessage":null}}}}"""
_PAYOUT = """\
{"code":1000,"message":"success","data":{"transactionId":"D0176722560000000001",\
"transactionStatus":"PENDING","transactionTime":"2026-01-01 08:00:00"}}"""
_GLOBAL_PAYOUT = f"""\
{{"code":10000,"message":"Success","data":{{"mchOrderId":"{_ORDER}","transactionId":"D1631118424367169536",\
"transactionStatus":"PENDING","transactionTime":"2026-01-01 07:00:00"}}}}"""
_STRIPE_PAYOUT = f"""\
{{"id":"po_1OaFDbEcg9tTZuTgNYmX0PKB","object":"payout","amount":{AMOUNT},"currency":"php","created":1767225600,\
"method":"standard","status":"pending","type":"bank_account","metadata":{{"order":"{_ORDER}"}}}}"""
_OPENAI_COMPLETION = """\
{"id":"chatcmpl-1","object":"chat.completion","created":1767225600,"model":"stub","choices":[{"index":0,\
"finish_reason":"stop","message":{"role":"assistant","content":"paid"}}],\
"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"""
_ANSWERS = {
    b"GET ": _STATUS.encode(),
    b"POST /open-api/": _GLOBAL_PAYOUT.encode(),
    b"POST /v1/payouts": _STRIPE_PAYOUT.encode(),
    b"POST /v1/chat/completions": _OPENAI_COMPLETION.encode(),
    b"POST ": _PAYOUT.encode(),
}
"""By what a request begins with; the first that fits."""


def receipt(family: str, order_id: str) -> bytes:
    """The body of the answer to a payout of the family ("ph" or "global")."""
    return (_PAYOUT if family == "ph" else _GLOBAL_PAYOUT).replace(_ORDER, order_id).encode()


def _answer(request: bytes) -> bytes:
    body = next(body for start, body in _ANSWERS.items() if request.startswith(start))
    if found := _ORDER_ID.search(request):
        body = body.replace(_ORDER.encode(), found[1])
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._whole_request()) is not None:
            self._transport.write(_answer(self._waiting[:end]))
            self._waiting = self._waiting[end:]
        if len(self._waiting) > _LARGEST:
            self._transport.abort()

    def _whole_request(self) -> int | None:
        """Where the first request ends, once it is all there."""
        head = self._waiting.find(b"\r\n\r\n")
        if head < 0:
            return None
        length = _LENGTH.search(self._waiting, 0, head + 2)
        end = head + 4 + (int(length[1]) if length else 0)
        return end if end <= len(self._waiting) else None


async def _serve(pipe: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await until_told(pipe)
    server.close()


def _process(pipe: Connection, uvloop: bool) -> None:
    run(_serve(pipe), uvloop=uvloop)


@contextlib.contextmanager
def serving(*, uvloop: bool) -> Iterator[str]:
    """Serve while the body runs; gives the base URL."""
    with running(_process, uvloop) as pipe:
        yield pipe.recv()
