"""A PayCools that takes no care, in a process of its own, without a line of the SDK's code.

It books whatever it is asked to pay, as often as it is asked. `python stand_in.py` prints its address; POST /set with
JSON changes how it behaves, GET /books tells what it has booked:

    lag        seconds until an inquiry shows an order
    lose       book it, and close the connection without an answer
    delay      seconds until a payout is answered; it is booked at once
    late       seconds until a payout is booked; the answer follows
    code       answer payouts with this result code, after booking them
    unique     refuse a used order id with 1012, as PayCools documents it
    balance    in centavos
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

MANILA = timezone(timedelta(hours=8))
settings: dict[str, Any] = {
    "lag": 0.0,
    "lose": False,
    "delay": 0.0,
    "late": 0.0,
    "code": 0,
    "unique": False,
    "balance": 10**12,
}
books: list[dict[str, Any]] = []
calls = {"payout": 0, "check": 0, "balance": 0}


def when(moment: float) -> str:
    return datetime.fromtimestamp(moment, MANILA).strftime("%Y-%m-%d %H:%M:%S")


async def pay(fields: dict[str, Any]) -> dict[str, Any] | None:
    calls["payout"] += 1
    if settings["unique"] and any(each["mchOrderId"] == fields["mchOrderId"] for each in books):
        return {"code": 1012, "message": "merchant order id is repeat"}
    if settings["late"]:
        await asyncio.sleep(settings["late"])
    entry = {
        "mchOrderId": fields["mchOrderId"],
        "amount": int(fields["amount"]),
        "transactionId": f"D{len(books) + 1:019}",
        "created": time.time(),
    }
    books.append(entry)
    if settings["lose"]:
        return None
    await asyncio.sleep(settings["delay"])
    if settings["code"]:
        return {"code": settings["code"], "message": "something is wrong"}
    return {"code": 1000, "message": "success", "data": {"transactionId": entry["transactionId"]}}


def check(order_id: str) -> dict[str, Any]:
    calls["check"] += 1
    shown = [e for e in books if e["mchOrderId"] == order_id and time.time() >= e["created"] + settings["lag"]]
    if not shown:
        return {"code": 1008, "message": "Transaction Not Found"}
    entry = shown[-1]
    data = {name: entry[name] for name in ("mchOrderId", "amount", "transactionId")}
    data |= {"transactionStatus": "COMPLETE", "createTime": when(entry["created"])}
    return {"code": 1000, "message": "success", "data": data}


async def answer(method: str, target: str, body: bytes) -> dict[str, Any] | list[Any] | None:
    url = urlsplit(target)
    if url.path == "/books":
        return {"books": books, "calls": calls}
    if url.path == "/set":
        settings.update(json.loads(body))
        return settings
    if method == "POST" and url.path == "/api/v1/payout":
        return await pay(json.loads(body))
    if url.path == "/api/v1/payout/check":
        return check(parse_qs(url.query)["mchOrderId"][0])
    calls["balance"] += 1
    return {"code": 1000, "message": "success", "data": {"balance": settings["balance"]}}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
            first, *headers = head.split("\r\n")
            method, target, _ = first.split(" ")
            found = {name.lower(): value for name, _, value in (line.partition(": ") for line in headers)}
            said = await answer(method, target, await reader.readexactly(int(found.get("content-length", 0))))
            if said is None:
                break
            text = json.dumps(said).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
            await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - its parent reads it
    await asyncio.sleep(1800)


if __name__ == "__main__":
    asyncio.run(main())
