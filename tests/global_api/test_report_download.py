"""A report that is fetched over the client's transport: whole or not at all, for its owner, and from no inner place."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.waiting import skip

from paycools_async import (
    AiohttpTransport,
    DeadlineExceeded,
    HttpRequest,
    HttpResponse,
    Outcome,
    PayCoolsGlobal,
    TransportError,
    UnexpectedAnswer,
)
from paycools_async.errors import FileError, PayCoolsError
from paycools_async.global_api import ReportFile
from paycools_async.testing import FakePayCools
from paycools_async.testing.global_api.account import ReportLinks
from paycools_async.transports import HttpStream

REPORT = bytes(range(256)) * 1024
"""256 KiB"""
DAY: dict[str, Any] = {"country_code": "TH", "trans_date": "2023-12-25", "trans_type": 2}
HERE = "http://127.0.0.1:8080"


class FakeAndNetwork:
    """Calls reach the fake, and links the network."""

    def __init__(self, fake: FakePayCools) -> None:
        self._fake = fake.transport()
        self._network = AiohttpTransport()
        self.streamed: list[HttpRequest] = []

    async def send(self, request: HttpRequest, /) -> HttpResponse:
        return await self._fake.send(request)

    def stream(self, request: HttpRequest, /) -> AbstractAsyncContextManager[HttpStream]:
        self.streamed.append(request)
        return self._network.stream(request)

    async def aclose(self) -> None:
        await self._network.aclose()


@pytest.fixture
async def transport(fake: FakePayCools) -> FakeAndNetwork:
    return FakeAndNetwork(fake)


@pytest.fixture
async def paycools(fake: FakePayCools, transport: FakeAndNetwork) -> AsyncIterator[PayCoolsGlobal]:
    """A client whose PayCools is a test system on this machine."""
    async with PayCoolsGlobal(fake.global_credentials, transport=transport, clock=fake.clock, base_url=HERE) as client:
        yield client


@pytest.fixture
async def outside(fake: FakePayCools) -> AsyncIterator[PayCoolsGlobal]:
    """A client whose PayCools is at its own host."""
    async with PayCoolsGlobal(fake.global_credentials, transport=FakeAndNetwork(fake), clock=fake.clock) as client:
        yield client


Serve = Callable[[web.Request], Any]


@pytest.fixture
async def serve(fake: FakePayCools) -> AsyncIterator[Callable[[Serve], None]]:
    """Sets what the report's link leads to, on this machine."""
    chosen: list[Serve] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await chosen[-1](request)
        return answer

    app = web.Application()
    app.router.add_get("/{name}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    leads_to(fake, f"http://127.0.0.1:{port}/2023-12-25.xlsx?Expires=1&Signature=a%2Fb")
    yield chosen.append
    await runner.cleanup()


def leads_to(fake: FakePayCools, link: str) -> None:
    fake.global_merchant.of(ReportLinks).link = lambda fields: link


async def whole(request: web.Request) -> web.Response:
    assert request.raw_path == "/2023-12-25.xlsx?Expires=1&Signature=a%2Fb", "a signed link is used as it came"
    return web.Response(body=REPORT)


async def test_a_report_is_streamed_to_a_file(paycools: PayCoolsGlobal, serve: Any, tmp_path: Path) -> None:
    serve(whole)
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "report.xlsx"
    path.write_bytes(b"yesterday's")
    fetched = await paycools.account.download_report(path, **DAY, progress=lambda *step: seen.append(step))
    assert fetched == ReportFile(path, len(REPORT))
    assert path.read_bytes() == REPORT
    assert seen[-1] == (len(REPORT), len(REPORT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 1
    assert list(tmp_path.iterdir()) == [path]


async def cut_off(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": str(len(REPORT))})
    await answer.prepare(request)
    await answer.write(REPORT[:1000])
    assert request.transport is not None
    request.transport.close()
    return answer


async def redirect(request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "https://elsewhere.example/"})


async def expired(request: web.Request) -> web.Response:
    return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    try:
        while True:
            await answer.write(REPORT)
    except ConnectionError:
        return answer


@pytest.mark.parametrize(
    ("serves", "message"),
    [
        (cut_off, "the report from 127.0.0.1 was cut off after"),
        (redirect, "HTTP 302 from 127.0.0.1 instead of the report"),
        (expired, "HTTP 403 from 127.0.0.1 instead of the report"),
        (endless, "the report from 127.0.0.1 is larger than 300000 bytes"),
    ],
)
async def test_a_file_comes_whole_or_not_at_all(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path, serves: Serve, message: str
) -> None:
    serve(serves)
    path = tmp_path / "report.xlsx"
    path.write_bytes(b"yesterday's")
    with pytest.raises(UnexpectedAnswer, match=message) as caught:
        await paycools.account.download_report(path, **DAY, max_bytes=300_000)
    assert "Signature" not in str(caught.value)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("report.xlsx", b"yesterday's")]


async def test_a_size_that_is_announced_too_large_is_not_waited_for(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path
) -> None:
    serve(whole)
    with pytest.raises(UnexpectedAnswer, match="is larger than 1000 bytes"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY, max_bytes=1000)
    assert list(tmp_path.iterdir()) == []


async def test_a_report_that_does_not_come_in_time(paycools: PayCoolsGlobal, serve: Any, tmp_path: Path) -> None:
    async def never(request: web.Request) -> web.Response:
        skip(61)
        await asyncio.Event().wait()
        raise AssertionError

    serve(never)
    with pytest.raises(DeadlineExceeded, match=r"did not arrive in 60 seconds"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY, within=60)
    assert list(tmp_path.iterdir()) == []


async def test_nobody_there_is_a_transport_error_without_the_link(
    paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path
) -> None:
    fake.global_merchant.of(ReportLinks).link = lambda fields: "http://127.0.0.1:1/a.xlsx?Signature=secret"
    with pytest.raises(TransportError) as caught:
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "link",
    [
        "http://reports.example/a.xlsx",
        "ftp://127.0.0.1/a.xlsx",
        "file:///etc/passwd",
        "https://user@reports.example/a",
        "https://reports.example:x/a",
        "reports.example",
        "",
    ],
)
async def test_only_https_is_followed(paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path, link: str) -> None:
    fake.global_merchant.of(ReportLinks).link = lambda fields: link
    with pytest.raises(UnexpectedAnswer, match="the report's link is no https link; it was not followed"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert list(tmp_path.iterdir()) == []


# --- over the client's transport --------------------------------------------------------------------------------------


async def test_the_link_is_asked_over_the_clients_own_transport(
    paycools: PayCoolsGlobal, transport: FakeAndNetwork, serve: Any, tmp_path: Path
) -> None:
    serve(whole)
    await paycools.account.download_report(tmp_path / "report.xlsx", **DAY, within=9.0)
    (asked,) = transport.streamed
    assert (asked.method, asked.body, asked.timeout, asked.public_only) == ("GET", None, 9.0, False)
    assert set(asked.headers) == {"Accept-Encoding", "User-Agent"}, "what is meant for PayCools goes nowhere else"


async def test_a_transport_that_does_not_stream_is_asked_by_send(fake: FakePayCools, tmp_path: Path) -> None:
    class Plain:
        def __init__(self) -> None:
            self._fake = fake.transport()

        async def send(self, request: HttpRequest, /) -> HttpResponse:
            if "report.xlsx" in request.url:
                assert request.public_only
                return HttpResponse(200, {"content-length": str(len(REPORT))}, REPORT)
            return await self._fake.send(request)

        async def aclose(self) -> None: ...

    async with PayCoolsGlobal(fake.global_credentials, transport=Plain(), clock=fake.clock) as client:
        path = tmp_path / "report.xlsx"
        assert await client.account.download_report(path, **DAY) == ReportFile(path, len(REPORT))
    assert path.read_bytes() == REPORT


async def test_what_a_transport_raises_against_its_contract_is_ours_too(fake: FakePayCools, tmp_path: Path) -> None:
    class Odd:
        send = fake.transport().send

        async def aclose(self) -> None: ...

        def stream(self, request: HttpRequest, /) -> AbstractAsyncContextManager[HttpStream]:
            raise OSError("of the proxy")

    async with PayCoolsGlobal(fake.global_credentials, transport=Odd(), clock=fake.clock) as client:
        with pytest.raises(TransportError, match="OSError from the transport"):
            await client.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert list(tmp_path.iterdir()) == []


# --- the file ---------------------------------------------------------------------------------------------------------


async def test_only_its_owner_can_read_the_file_before_it_is_whole_as_well(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path
) -> None:
    serve(whole)
    path = tmp_path / "report.xlsx"
    modes: set[tuple[str, int]] = set()

    def look(done: int, total: int | None) -> None:
        modes.update(("", stat.S_IMODE(found.stat().st_mode)) for found in tmp_path.iterdir())
        assert {found.name for found in tmp_path.iterdir()} != {"report.xlsx.part"}, "a name that can be foreseen"

    before = os.umask(0)
    try:
        await paycools.account.download_report(path, **DAY, progress=look)
    finally:
        os.umask(before)
    assert modes == {("", 0o600)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_no_link_in_the_folder_is_followed(paycools: PayCoolsGlobal, serve: Any, tmp_path: Path) -> None:
    serve(whole)
    folder = tmp_path / "reports"
    folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in ("report.xlsx", "report.xlsx.part"):
        (folder / name).symlink_to(victim)
    path = folder / "report.xlsx"
    await paycools.account.download_report(path, **DAY)
    assert victim.read_bytes() == b"precious"
    assert (path.read_bytes(), path.is_symlink()) == (REPORT, False)


@pytest.mark.parametrize("name", ["nowhere/report.xlsx", ".", "file/report.xlsx"])
async def test_a_place_that_cannot_be_written_to_is_an_error_of_ours(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path, name: str
) -> None:
    serve(whole)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot be written: ") as caught:
        await paycools.account.download_report(folder / name, **DAY)
    assert isinstance(caught.value, PayCoolsError)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert {found.name for found in folder.iterdir()} == {"file"}
    assert {found.name for found in tmp_path.iterdir()} == {"folder"}


async def test_an_error_of_the_progress_is_the_callers_and_leaves_nothing(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path
) -> None:
    serve(whole)

    def fail(done: int, total: int | None) -> None:
        raise OSError("of the caller")

    with pytest.raises(OSError, match="of the caller"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY, progress=fail)
    assert list(tmp_path.iterdir()) == []


async def test_a_fetch_that_is_cancelled_leaves_nothing(paycools: PayCoolsGlobal, serve: Any, tmp_path: Path) -> None:
    serve(endless)
    came = asyncio.Event()
    fetching = asyncio.create_task(
        paycools.account.download_report(tmp_path / "r.xlsx", **DAY, progress=lambda *_: came.set())
    )
    await came.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert list(tmp_path.iterdir()) == []


# --- the place --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "100.64.0.1",
        "224.0.0.1",
    ],
)
async def test_a_link_into_a_private_network_is_not_followed(
    outside: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path, host: str
) -> None:
    leads_to(fake, f"https://{host}:1/a.xlsx")
    with pytest.raises(UnexpectedAnswer, match="leads to this machine or a private network; it was not followed"):
        await outside.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert list(tmp_path.iterdir()) == []


async def test_plain_http_is_followed_by_a_client_of_this_machine_only(
    outside: PayCoolsGlobal, serve: Any, tmp_path: Path
) -> None:
    serve(whole)
    with pytest.raises(UnexpectedAnswer, match="the report's link is no https link"):
        await outside.account.download_report(tmp_path / "report.xlsx", **DAY)


@pytest.mark.parametrize(
    "url",
    ["https://a.example\\@127.0.0.1/a", "https://a.example/a b", "https://\u00e4.example/", "https://a.example/\n"],
)
async def test_a_link_that_two_readers_read_in_two_ways_is_not_followed(
    outside: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path, url: str
) -> None:
    leads_to(fake, url)
    with pytest.raises(UnexpectedAnswer, match="it was not followed"):
        await outside.account.download_report(tmp_path / "report.xlsx", **DAY)


async def test_redirects_are_not_followed_wherever_they_lead(
    paycools: PayCoolsGlobal, serve: Any, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def inside(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/latest"})

    serve(inside)
    with pytest.raises(UnexpectedAnswer, match=r"HTTP 307 from 127\.0\.0\.1 instead of the report"):
        await paycools.account.download_report(tmp_path / "report.xlsx", **DAY)
    assert asked == ["/2023-12-25.xlsx"]


@pytest.mark.parametrize("path", ["", "/", "a\0b", "a\0/b", "..", "\ud800"])
async def test_a_path_that_names_no_file_is_told_as_that(paycools: PayCoolsGlobal, serve: Any, path: str) -> None:
    serve(whole)
    with pytest.raises(FileError, match="is no name of a file"):
        await paycools.account.download_report(path, **DAY)
