"""An answer that came before its request, and lies in the system's buffer: the loop has not read it yet."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import ssl
import termios
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from support.certificates import certificate_for
from support.fault_server import answer
from support.transport_stage import BODY, get, post, raised

from paycools_async import AiohttpTransport, Outcome
from paycools_async.transports.proof import Proof

SENT = bytes(post("http://127.0.0.1").body or b"")
EARLY = answer("200 OK", b"of another request")


class Server:
    """Answers in threads, so that it writes while the client's loop stands still."""

    def __init__(self, certificate: Path | None) -> None:
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections: list[socket.socket] = []
        self.requests = 0
        self.spoke = threading.Event()
        self.first: Callable[[socket.socket], object] = lambda _: None
        self.dies = False
        """The next request gets no answer, and its connection is closed."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            self.connections.append(connection)
            if len(self.connections) == 1:
                self.first(connection)
                self.spoke.set()
            while True:
                received = b""
                while not (received.endswith(SENT if received.startswith(b"POST") else b"\r\n\r\n")):
                    if not (chunk := connection.recv(1 << 16)):
                        return
                    received += chunk
                self.requests += 1
                if self.dies:
                    self.dies = False
                    return
                connection.sendall(answer("200 OK", BODY))
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        for each in (self._listener, *self.connections):
            each.close()


def arrived(connection: socket.socket) -> None:
    """Until all that was written to it is on the other side, read there or not."""
    left = array("i", [1])
    while left[0] and connection.fileno() >= 0:
        with contextlib.suppress(OSError):  # it is being closed
            fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, left)
        time.sleep(0.005)


@pytest.fixture(params=["plain", "tls"])
def certificate(request: pytest.FixtureRequest, key_pem: str, tmp_path: Path) -> Path | None:
    return certificate_for(key_pem, tmp_path) if request.param == "tls" else None


@pytest.fixture
def server(certificate: Path | None) -> Iterator[Server]:
    found = Server(certificate)
    yield found
    found.close()


@pytest.fixture
def late(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server says first is there, and not read, before it is looked for."""
    settle = Proof.settle

    async def wait(proof: Proof) -> None:
        server.spoke.wait(60)
        time.sleep(0.05)
        for connection in server.connections:
            arrived(connection)
        await settle(proof)

    monkeypatch.setattr(Proof, "settle", wait)


def transport_for(certificate: Path | None) -> AiohttpTransport:
    context = None if certificate is None else ssl.create_default_context(cafile=str(certificate))
    return AiohttpTransport(ssl_context=context, max_connections=1)


def answering_early(server: Server) -> Callable[[], bool]:
    """Something holds up the loop in the last moment, and the answer comes just then, once."""
    came = False

    def sent_meanwhile() -> bool:
        nonlocal came
        if not came:
            server.connections[0].sendall(EARLY)
            came = True
            arrived(server.connections[0])
        return False

    return sent_meanwhile


@pytest.mark.parametrize("make", [post, get])
async def test_an_answer_that_the_loop_has_not_read_yet_is_not_the_requests(
    server: Server, certificate: Path | None, make: Any
) -> None:
    transport = transport_for(certificate)
    assert (await transport.send(post(server.url))).body == BODY
    error = await raised(transport.send(attrs.evolve(make(server.url), expired=answering_early(server))))
    assert str(error) == "the connection held an answer before the request was sent; nothing was sent"
    assert (error.outcome, server.requests) == (Outcome.NOT_SENT, 1)
    assert (await transport.send(make(server.url))).body == BODY
    assert (server.requests, len(server.connections)) == (2, 2)
    await transport.aclose()


async def test_where_headers_leave_at_once_it_is_looked_for_before_them(
    server: Server, certificate: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with older versions of aiohttp: before the body it would be too late to say that nothing was sent."""

    monkeypatch.setattr("paycools_async.transports.proof._HEADERS_WAIT_FOR_THE_BODY", False)
    transport = transport_for(certificate)
    assert (await transport.send(post(server.url))).body == BODY
    error = await raised(transport.send(attrs.evolve(post(server.url), expired=answering_early(server))))
    assert (error.outcome, server.requests) == (Outcome.NOT_SENT, 1)
    await transport.aclose()


@pytest.mark.parametrize("make", [post, get])
async def test_a_new_connection_that_speaks_first_is_not_believed(
    server: Server, certificate: Path | None, make: Any, late: None
) -> None:
    server.first = lambda connection: connection.sendall(EARLY)
    transport = transport_for(certificate)
    error = await raised(transport.send(make(server.url)))
    assert (error.outcome, server.requests) == (Outcome.NOT_SENT, 0)
    assert (await transport.send(make(server.url))).body == BODY
    await transport.aclose()


async def test_a_connection_that_the_other_side_has_closed_unseen_is_not_written_to(
    server: Server, certificate: Path | None
) -> None:
    def closed_meanwhile() -> bool:
        if not done:
            server.connections[0].shutdown(socket.SHUT_RDWR)
            done.append(True)
            arrived(server.connections[0])
        return False

    done: list[bool] = []
    transport = transport_for(certificate)
    await transport.send(post(server.url))
    error = await raised(transport.send(attrs.evolve(post(server.url), expired=closed_meanwhile)))
    assert (error.outcome, server.requests) == (Outcome.NOT_SENT, 1)
    await transport.aclose()


async def test_the_tickets_of_a_new_tls_session_are_no_answer(
    server: Server, certificate: Path | None, late: None
) -> None:
    """They come right after the handshake; here they are always there before the first request is written."""
    transport = transport_for(certificate)
    for _ in range(3):
        assert (await transport.send(attrs.evolve(post(server.url), fresh=True))).body == BODY
    await transport.aclose()


async def test_nor_where_a_read_is_repeated_over_a_new_connection(
    server: Server, certificate: Path | None, late: None
) -> None:
    """The first one dies under it, and was a used one; the second has its tickets before the request."""
    transport = transport_for(certificate)
    assert (await transport.send(post(server.url))).body == BODY
    server.dies = True
    request = get(server.url)
    assert (await transport.send(request)).body == BODY
    assert (request.departure.times, len(server.connections)) == (2, 2)
    await transport.aclose()
