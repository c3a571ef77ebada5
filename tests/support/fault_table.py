"""Every way a call can go wrong on its way to PayCools and back, and what has to come of it.

Declared once: the tests in tests/faults try each row over a real socket, and docs/reliability.md prints the table.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Literal

import attrs
from support.fault_server import Connection, answer
from support.size import FULL
from support.waiting import skip

__all__ = ["FAULTS", "TRIED", "Cells", "Family", "Fault", "Place", "markdown"]

Family = Literal["ph", "global"]
Place = Literal["server", "closed port", "unknown name", "untrusted certificate"]
Act = Callable[[Connection, "Good"], Awaitable[None]]

_SETTLED, _FAILED, _PLANNED, _UNKNOWN = "settled, paid once", "failed", "planned", "unknown"


@attrs.frozen(kw_only=True)
class Good:
    """What a PayCools without a fault would answer."""

    family: Family
    data: object
    request: bytes

    def says(self, code: int, message: str = "whatever", data: object = None) -> bytes:
        return json.dumps({"code": code, "message": message, "data": data}).encode()

    @property
    def body(self) -> bytes:
        return self.says({"ph": 1000, "global": 10000}[self.family], "success", self.data)

    @property
    def not_found(self) -> bytes:
        return self.says({"ph": 1008, "global": 21006}[self.family], "transaction not found")

    @property
    def refusal(self) -> bytes:
        return self.says({"ph": 1009, "global": 21002}[self.family], "request params invalid")

    @property
    def whole(self) -> bytes:
        return answer("200 OK", self.body)


@attrs.frozen
class Cells:
    """What each kind of call makes of it: the error's class and its outcome. A code's error is final for a read.

    `booked`, `lost`: where a batch's payout ends whose order PayCools entered all the same, or did not; "-" where that
    cannot be.
    """

    read: str
    create: str
    move: str
    booked: str
    lost: str


@attrs.frozen(kw_only=True)
class Fault:
    """One row: what the other side does, and what each kind of call makes of it.

    `before`: the act comes before the request is read.
    """

    name: str
    act: Act | None = None
    place: Place = "server"
    before: bool = False
    used: bool = False
    """Whether the connection has carried a call before."""
    cells: Cells


def _alike(each: str, *, booked: str, lost: str) -> Cells:
    """Whatever is called."""
    return Cells(each, each, each, booked, lost)


def _unclear(read: str, *, lost: str = _SETTLED) -> Cells:
    """Sent, and no trustworthy answer: only an inquiry finds out, or time and two inquiries."""
    return Cells(read, "OutcomeUnknown unknown", "OutcomeUnknown unknown", _SETTLED, lost)


_NOTHING_LEFT = _alike("TransportError not_sent", booked="-", lost=_PLANNED)
_NO_ANSWER = _unclear("TransportError unknown")
_TOO_LATE = _unclear("DeadlineExceeded unknown")
_UNTRUSTED = _unclear("UnexpectedAnswer unknown")


async def _reset(connection: Connection, _: Good) -> None:
    connection.reset()


async def _close(connection: Connection, _: Good) -> None:
    connection.writer.close()


async def _silence(connection: Connection, _: Good) -> None:
    """For longer than the client waits."""
    await asyncio.sleep(0.01)
    skip(6)
    await connection.until_client_leaves()


def _writes(make: Callable[[Good], bytes], *, then: Act = _close) -> Act:
    async def act(connection: Connection, good: Good) -> None:
        await connection.write(make(good))
        await then(connection, good)

    return act


async def _drip(connection: Connection, good: Good) -> None:
    """A byte now and then, so that no single read ever waits long."""
    try:
        for byte in good.whole:
            await connection.write(bytes([byte]))
            await asyncio.sleep(0)
            skip(0.1)
    except ConnectionError:
        return


async def _read_half(connection: Connection, _: Good) -> None:
    await connection.reader.readuntil(b"\r\n")
    connection.reset()


def _http(status: str, body: Callable[[Good], bytes], *headers: str) -> Act:
    return _writes(lambda good: answer(status, body(good), *headers))


def _json(text: str) -> Act:
    """An answer of this very text, `CODE` and `DATA` standing for those of a success."""

    def make(good: Good) -> bytes:
        code = {"ph": "1000", "global": "10000"}[good.family]
        return answer("200 OK", text.replace("CODE", code).replace("DATA", json.dumps(good.data)).encode())

    return _writes(make)


def _code(ph: int, of_global: int, message: str = "whatever") -> Act:
    return _writes(lambda good: answer("200 OK", good.says({"ph": ph, "global": of_global}[good.family], message)))


def _changed(**changes: object) -> Act:
    """A success whose data differs from the truth."""

    def make(good: Good) -> bytes:
        data = {**good.data, **changes} if isinstance(good.data, dict) else changes
        return answer("200 OK", good.says({"ph": 1000, "global": 10000}[good.family], "success", data))

    return _writes(make)


async def _close_half(connection: Connection, _: Good) -> None:
    await connection.reader.readuntil(b"\r\n")
    connection.writer.close()


def _transport() -> Iterator[Fault]:
    yield Fault(name="nothing listens on the port", place="closed port", cells=_NOTHING_LEFT)
    yield Fault(name="the host's name is unknown", place="unknown name", cells=_NOTHING_LEFT)
    yield Fault(name="nobody vouches for the certificate", place="untrusted certificate", cells=_NOTHING_LEFT)
    acts: dict[str, Act] = {
        "reset while the request is read": _read_half,
        "closed while the request is read": _close_half,
    }
    for name, act in acts.items():
        yield Fault(name=name, act=act, before=True, cells=attrs.evolve(_NO_ANSWER, booked="-"))
    acts = {
        "reset after the request": _reset,
        "closed after the request": _close,
        "half a status line": _writes(lambda good: b"HTTP/1.1 2"),
        "half a header": _writes(lambda good: good.whole[:25]),
        "half a body": _writes(lambda good: good.whole[:-10]),
        "half a chunked body": _writes(lambda good: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"),
        "a broken chunk": _writes(lambda good: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
        "no HTTP": _writes(lambda good: b"\x16\x03\x01 this is no HTTP\r\n\r\n"),
        "100 Continue and no more": _writes(lambda good: b"HTTP/1.1 100 Continue\r\n\r\n"),
        "two lengths": _writes(lambda good: good.whole.replace(b"\r\n\r\n", b"\r\nContent-Length: 7\r\n\r\n")),
        "a negative length": _writes(lambda good: b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + good.body),
        "a header of a megabyte": _writes(lambda good: good.whole[:15] + b"\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n"),
        "broken gzip": _http("200 OK", lambda good: b"not gzip", "Content-Encoding: gzip"),
        "an answer over the cap": _http("200 OK", lambda good: b" " * (3 << 20)),
        "gzip that unpacks to 64 MiB": _http(
            "200 OK", lambda good: gzip.compress(bytes(1 << 26)), "Content-Encoding: gzip"
        ),
        "deflate that unpacks to 64 MiB": _http(
            "200 OK", lambda good: zlib.compress(bytes(1 << 26)), "Content-Encoding: deflate"
        ),
    }
    for name, act in acts.items():
        yield Fault(name=name, act=act, cells=_NO_ANSWER)
    acts = {
        "silence": _silence,
        "half an answer, then silence": _writes(lambda good: good.whole[:-10], then=_silence),
        "a byte at a time, too slowly": _drip,
    }
    for name, act in acts.items():
        yield Fault(name=name, act=act, cells=_TOO_LATE)
    yield Fault(name="a used connection that is reset after the request", act=_reset, used=True, cells=_NO_ANSWER)


def _statuses() -> Iterator[Fault]:
    bodies: dict[str, Callable[[Good], bytes]] = {
        "a success": lambda good: good.body,
        "not found": lambda good: good.not_found,
        "a refusal": lambda good: good.refusal,
        "HTML": lambda good: b"<html>Bad Gateway</html>",
    }
    for status in (201, 202, 206, 302, 307, *range(400, 410), 413, 418, 422, 429, *range(500, 505), 520, 599):
        headers = ("Location: /elsewhere",) if status < 400 and status > 299 else ()
        for what, body in bodies.items():
            yield Fault(name=f"HTTP {status} with {what}", act=_http(f"{status} X", body, *headers), cells=_UNTRUSTED)
    yield Fault(name="HTTP 204", act=_writes(lambda good: b"HTTP/1.1 204 No Content\r\n\r\n"), cells=_UNTRUSTED)
    yield Fault(name="HTTP 304", act=_writes(lambda good: b"HTTP/1.1 304 Not Modified\r\n\r\n"), cells=_UNTRUSTED)


def _bodies() -> Iterator[Fault]:
    acts: dict[str, Act] = {
        "nothing": _http("200 OK", lambda good: b""),
        "HTML": _http("200 OK", lambda good: b"<html>welcome</html>"),
        "null": _json("null"),
        "a list": _json('[{"code": CODE, "data": DATA}]'),
        "a text": _json('"success"'),
        "JSON cut off": _json('{"code": CODE, "data": '),
        "two answers": _json('{"code": CODE, "data": DATA}{"code": CODE, "data": DATA}'),
        "no UTF-8": _http("200 OK", lambda good: b"\xff\xfe" + good.body),
        "UTF-16": _http("200 OK", lambda good: good.body.decode().encode("utf-16")),
        "NaN": _json('{"code": NaN, "data": DATA}'),
        "no code": _json('{"message": "success", "data": DATA}'),
        "code null": _json('{"code": null, "data": DATA}'),
        "code true": _json('{"code": true, "data": DATA}'),
        "code 1000.0": _json('{"code": CODE.0, "data": DATA}'),
        "code a word": _json('{"code": "success", "data": DATA}'),
        "code in other digits": _json('{"code": "١٠٠٠", "data": DATA}'),
        "two codes": _json('{"code": 1009, "code": CODE, "data": DATA}'),
        "an exponent without end": _json('{"code": CODE, "data": {"amount": 1e9999999999999999999999}}'),
        "a million digits": _json('{"code": CODE, "data": {"amount": 1e1000000}}'),
        "a number of 100,000 digits": _json('{"code": CODE, "data": {"amount": ' + "9" * 100_000 + "}}"),
        "a hundred thousand lists": _json('{"code": CODE, "data": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        "a success without data": _json('{"code": CODE, "message": "success"}'),
        "a success with data null": _json('{"code": CODE, "data": null}'),
        "a success whose data is a list": _json('{"code": CODE, "data": [1]}'),
        "a success whose data is a number": _json('{"code": CODE, "data": 5}'),
        "a success with ids that are lists": _changed(transactionId=[], mchOrderId=[]),
        "gzip cut off": _http("200 OK", lambda good: gzip.compress(good.body)[:-12], "Content-Encoding: gzip"),
    }
    for name, act in acts.items():
        yield Fault(name=f"body: {name}", act=act, cells=_UNTRUSTED)


def _codes() -> Iterator[Fault]:
    """One of each class of code. Which codes refuse which call is written and sourced in `wire.codes`."""
    for name, ph, of_global, kind, booked, lost in (
        ("the key or the id is refused", 1003, 21001, "AuthenticationError", _PLANNED, _PLANNED),
        ("the IP address is refused", 1002, 21016, "IpNotAllowedError", _PLANNED, _PLANNED),
        ("the merchant is closed", 1004, 21004, "MerchantUnavailable", _PLANNED, _PLANNED),
        ("a field is refused", 1009, 21002, "InvalidParameter", _SETTLED, _FAILED),
        ("too many requests", 1013, 21020, "RateLimited", _SETTLED, _SETTLED),
    ):
        yield Fault(
            name=f"code: {name}", act=_code(ph, of_global), cells=_alike(f"{kind} rejected", booked=booked, lost=lost)
        )
    for name, ph, of_global, kind in (
        ("a code that is on no list", 9999, 29999, "ApiError"),
        ("a negative code", -1, -1, "ApiError"),
        ("HTTP's own 200", 200, 200, "ApiError"),
    ):
        yield Fault(
            name=f"code: {name}",
            act=_code(ph, of_global),
            cells=_unclear(f"{kind} rejected", lost=_UNKNOWN),
        )
    yield Fault(
        name="code: network failed, please retry", act=_code(1018, 21011), cells=_unclear("TransientError rejected")
    )
    yield Fault(
        name="code: not found",
        act=_code(1008, 21006),
        cells=_unclear("NotFound rejected", lost=_UNKNOWN),
    )
    yield Fault(
        name="code: the balance is too low",
        act=_code(1006, 21014),
        cells=Cells(
            "InsufficientBalance rejected",
            "OutcomeUnknown unknown",
            "InsufficientBalance rejected",
            _PLANNED,
            _PLANNED,
        ),
    )
    yield Fault(
        name="code: the order id is used",
        act=_code(1012, 21007),
        cells=_alike("DuplicateOrder duplicate", booked="preexisting", lost=_UNKNOWN),
    )
    yield Fault(
        name="a success that names another order",
        act=_changed(mchOrderId="ANOTHER00001"),
        cells=_unclear("OrderConflict unknown"),
    )


FAULTS = [*_transport(), *_statuses(), *_bodies(), *_codes()]
TRIED = FAULTS if FULL else list({fault.cells: fault for fault in reversed(FAULTS)}.values())
"""Without PAYCOOLS_TESTS=full the first of those with the same cells."""


def markdown() -> str:
    """The table of the page. What has the same cells stands in one line."""
    lines = ["| what happens | read | create | move | batch: entered | batch: not entered |", "|" + "---|" * 6]
    for cells, same in itertools.groupby(FAULTS, lambda fault: fault.cells):
        names = [each.name for each in same]
        statuses = [
            each.removeprefix("HTTP ").split(" with ") for each in names if "HTTP " in each and " with " in each
        ]
        texts = names[len(statuses) :]
        if statuses:
            codes, bodies = (dict.fromkeys(part) for part in zip(*statuses, strict=True))
            texts.insert(0, f"HTTP {', '.join(codes)}, each with {', '.join(bodies)}")
        for kind in ("body: ", "code: "):
            alike = [each for each in texts if each.startswith(kind)]
            texts = [each if each not in alike[1:] else each.removeprefix(kind) for each in texts]
        lines.append(f"| {'; '.join(texts)} | " + " | ".join(attrs.astuple(cells)) + " |")
    return "\n".join(lines)
