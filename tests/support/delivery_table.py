"""Every way a callback can arrive, and what has to come of it. The PH API's and the Global API's alike.

Declared once: tests/faults/test_inbox.py tries each row over a real socket, and docs/reliability.md prints the table.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from support.callbacks import PAYOUT, sign_of
from support.fault_table import Family

from paycools_async.signing import PrivateKey
from paycools_async.signing.pycryptodome import PycryptodomeSigner

__all__ = ["DELIVERIES", "MAX_SIZE", "Delivery", "Sender", "delivery_markdown", "post"]

MAX_SIZE = 8192


@attrs.frozen(kw_only=True)
class Sender:
    """Signs callbacks as PayCools does; the code of the fake and of the other crypto library."""

    family: Family
    key: PrivateKey
    secret: str

    def signed(self, text: str) -> bytes:
        """A callback whose fields are this very JSON."""
        if self.family == "ph":
            try:
                sign = sign_of(text, self.secret)
            except (ValueError, RecursionError):  # nothing that reads JSON as the fake does can sign this
                sign = "a" * 40
            return f'{text[:-1]}, "sign": "{sign}"}}'.encode("utf-8", "surrogatepass")
        signature = PycryptodomeSigner(self.key).sign(text.encode("utf-8", "surrogatepass"))
        return json.dumps({"param": text, "sign": base64.b64encode(signature).decode()}).encode()

    def good(self, **changes: Any) -> bytes:
        return self.signed(json.dumps({**PAYOUT, **changes}, ensure_ascii=False))


@attrs.frozen(kw_only=True)
class Delivery:
    """One row. `make` gives all that is written on the connection.

    `forger`: signs with a secret of its own. `leaves`: the sender goes at once.
    """

    name: str
    make: Callable[[Sender], bytes]
    forger: bool = False
    leaves: bool = False
    times: int = 1
    status: int | None
    """Of the answer; None where none is expected."""
    stored: bool


def post(body: bytes, *headers: str, length: int | None = None, method: str = "POST") -> bytes:
    """A whole request."""
    size = len(body) if length is None else length
    lines = [f"{method} /callbacks HTTP/1.1", "Host: shop", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _posted(make: Callable[[Sender], bytes], method: str = "POST") -> Callable[[Sender], bytes]:
    return lambda sender: post(make(sender), method=method)


def _chunked(body: bytes) -> bytes:
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(body[n : n + 1000]), body[n : n + 1000]) for n in range(0, len(body), 1000)
    )
    return b"POST /callbacks HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def _taken() -> Iterator[Delivery]:
    makes: dict[str, Callable[[Sender], bytes]] = {
        "signed by PayCools": lambda sender: post(sender.good()),
        "in chunks": lambda sender: _chunked(sender.good()),
        "of an event that nobody knows": lambda sender: post(sender.good(eventName="something.new")),
        "with fields that nobody knows": lambda sender: post(sender.good(colour="red", depth=3)),
        "with an amount of a million digits (kept as it is, and never a number)": lambda sender: post(
            sender.signed(json.dumps(PAYOUT).replace("150000", "1e1000000"))
        ),
        "with an unknown status": lambda sender: post(sender.good(transactionStatus="NEW_WORD")),
        "gzip": lambda sender: post(gzip.compress(sender.good()), "Content-Encoding: gzip"),
        "deflate": lambda sender: post(zlib.compress(sender.good()), "Content-Encoding: deflate"),
    }
    for name, make in makes.items():
        yield Delivery(name=name, make=make, status=200, stored=True)
    yield Delivery(name="the same three times", make=lambda it: post(it.good()), times=3, status=200, stored=True)


def _refused() -> Iterator[Delivery]:
    good = json.dumps(PAYOUT)
    yield Delivery(
        name="signed by somebody else", make=lambda it: post(it.good()), forger=True, status=400, stored=False
    )
    changed: dict[str, Callable[[Sender], bytes]] = {
        "an amount changed on the way": lambda it: it.good().replace(b"150000", b"950000"),
        "an id changed on the way": lambda it: it.good().replace(b"PAY000000001", b"PAY000000002"),
        "an empty signature": lambda it: json.dumps({**json.loads(it.good()), "sign": ""}).encode(),
        "no signature": lambda it: json.dumps(PAYOUT).encode(),
        "nothing": lambda it: b"",
        "HTML": lambda it: b"<html>hello</html>",
        "null": lambda it: b"null",
        "a list": lambda it: b"[" + it.good() + b"]",
        "a text": lambda it: b'"success"',
        "a form": lambda it: b"amount=150000&mchOrderId=PAY000000001&sign=" + b"a" * 40,
        "JSON cut off": lambda it: it.good()[:-20],
        "two callbacks in one": lambda it: it.good() + it.good(),
        "no UTF-8": lambda it: b"\xff\xfe" + it.good(),
        "UTF-16": lambda it: it.good().decode().encode("utf-16"),
        "signed: NaN": lambda it: it.signed(good.replace("150000", "NaN")),
        "signed: an exponent without end": lambda it: it.signed(good.replace("150000", "1e9999999999999999999999")),
        "signed: 2,000 lists": lambda it: it.signed(good.replace("150000", "[" * 2000 + "]" * 2000)),
        "signed: a field twice": lambda it: it.signed(good[:-1] + ', "amount": 1}'),
        "signed: half a character": lambda it: it.signed(good.replace("wages", "\\ud83d")),
    }
    for name, make in changed.items():
        yield Delivery(name=name, make=_posted(make), status=400, stored=False)


def _odd_http() -> Iterator[Delivery]:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        yield Delivery(name=method, make=_posted(Sender.good, method), status=405, stored=False)
    for name, make in {
        "gzip cut off": lambda it: post(gzip.compress(it.good())[:-60], "Content-Encoding: gzip"),
        "gzip that is none": lambda it: post(b"\x1f\x8b" + it.good(), "Content-Encoding: gzip"),
    }.items():
        yield Delivery(name=name, make=make, status=400, stored=False)
    for name, make in {
        "gzip in gzip": lambda it: post(gzip.compress(gzip.compress(it.good())), "Content-Encoding: gzip, gzip"),
        "another coding": lambda it: post(it.good(), "Content-Encoding: compress"),
    }.items():
        yield Delivery(name=name, make=make, status=415, stored=False)
    for name, make in {
        "a body over the cap": lambda it: post(it.good(remark="x" * MAX_SIZE)),
        "a body over the cap, in chunks": lambda it: _chunked(it.good(remark="x" * MAX_SIZE)),
        "gzip that unpacks to 64 MiB": lambda it: post(gzip.compress(bytes(1 << 26))[:8000], "Content-Encoding: gzip"),
        "a terabyte announced": lambda it: post(it.good(), length=1 << 40),
    }.items():
        yield Delivery(name=name, make=make, status=413, stored=False)
    yield Delivery(name="half a body, then silence", make=lambda it: post(it.good())[:-10], status=408, stored=False)
    yield Delivery(
        name="half a body, then gone", make=lambda it: post(it.good())[:-10], leaves=True, status=None, stored=False
    )
    yield Delivery(name="no HTTP", make=lambda it: b"\x16\x03\x01 hello\r\n\r\n", status=400, stored=False)


DELIVERIES = [*_taken(), *_refused(), *_odd_http()]


def delivery_markdown() -> str:
    """The table of the page."""
    lines = ["| what arrives | answer | kept |", "|---|---|---|"]
    for (status, stored), same in itertools.groupby(DELIVERIES, lambda each: (each.status, each.stored)):
        names = "; ".join(each.name for each in same)
        lines.append(f"| {names} | {status or 'none'} | {'once' if stored else 'no'} |")
    return "\n".join(lines)
