"""A PayCools that books what it is asked, and has one fault. It shares no code with the SDK."""

from __future__ import annotations

import json
import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.fault_server import Connection, FaultServer
from support.fault_table import Family, Fault, Good

__all__ = ["FaultyPayCools"]


class FaultyPayCools:
    """`faulty`: "always", or only "first" (the first call that creates or moves; then all goes well).

    `books` counts how often each order was entered. With `enters`, the faulty call's order is entered all the same.
    """

    def __init__(
        self, family: Family, fault: Fault, *, faulty: str, enters: bool, tls: ssl.SSLContext | None = None
    ) -> None:
        self.family, self.fault, self.faulty, self.enters = family, fault, faulty, enters
        self.books: dict[str, int] = {}
        self.amounts: dict[str, Any] = {}
        self.faults = 0
        self.calls = 0
        self.server = FaultServer(self._connection, tls=tls)

    @property
    def _due(self) -> bool:
        return self.faulty == "always" or self.faults == 0

    async def _connection(self, connection: Connection) -> None:
        fault = self.fault
        while True:
            if fault.before and fault.act is not None and self._due:
                self.faults += 1
                await fault.act(connection, Good(family=self.family, data=None, request=b""))
                return
            request = await connection.request()
            self.calls += 1
            fields, creates = self._read(request)
            if fault.used and self.calls == 1:
                await connection.write(self._good(fields, request).whole)
                continue
            if fault.act is not None and self._due and (creates or self.faulty == "always"):
                self.faults += 1
                if creates and self.enters:
                    self._enter(fields)
                await fault.act(connection, self._good(fields, request, creates=creates))
                return
            if creates:
                self._enter(fields)
            good = self._good(fields, request, creates=creates)
            known = creates or fields["mchOrderId"] in self.books
            await connection.write(good.whole if known else _ok(good.not_found))

    def _read(self, request: bytes) -> tuple[dict[str, Any], bool]:
        head, _, body = request.partition(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        if self.family == "ph":
            if head.startswith(b"GET"):
                return {name: value[0] for name, value in parse_qs(urlsplit(path).query).items()}, False
            return json.loads(body), True
        return json.loads(json.loads(body)["param"]), "check" not in path and "query" not in path

    def _enter(self, fields: dict[str, Any]) -> None:
        order = fields["mchOrderId"]
        self.books[order] = self.books.get(order, 0) + 1
        self.amounts[order] = fields["amount"]

    def _good(self, fields: dict[str, Any], request: bytes, *, creates: bool = False) -> Good:
        order = fields.get("mchOrderId", "")
        data = {
            "mchOrderId": order,
            "transactionId": "D1032653961082864323",
            "transactionStatus": "PENDING" if creates else "COMPLETE",
            "amount": self.amounts.get(order, 20000),
            "redirectUrl": "https://pay.example/",
        }
        return Good(family=self.family, data=data, request=request)


def _ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
