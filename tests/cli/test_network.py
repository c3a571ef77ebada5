"""`--proxy`, `--ca-file` and the environment's HTTPS_PROXY and SSL_CERT_FILE, in real processes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest
from support.authority import Authority
from support.connect_proxy import ConnectProxy
from support.engine_stage import says
from support.fault_server import FaultServer, answer
from support.transport_stage import script_of

pytestmark = pytest.mark.process

BALANCE = says(1000, data={"balance": 123456, "frozenBalance": 0, "availableBalance": 123456}).body


@pytest.fixture
async def proxy(authority: Authority) -> AsyncIterator[ConnectProxy]:
    """Leads to a PayCools that no name server knows."""
    async with (
        FaultServer(script_of(answer("200 OK", BALANCE)), tls=authority.serving("paycools.test")) as server,
        ConnectProxy(server.url, login="me:secret") as found,
    ):
        yield found


async def paycools(key_pem: str, *arguments: str, **variables: str) -> tuple[int | None, str]:
    """The exit code and all that is said."""
    settings = {
        "PAYCOOLS_PH_APP_ID": "APP1",
        "PAYCOOLS_PH_APP_NAME": "Sari Sari",
        "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
        "PAYCOOLS_PH_BASE_URL": "https://paycools.test",
    }
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "paycools_async.cli",
        *arguments,
        env={**kept, **settings, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert b"secret" not in said
    return process.returncode, said.decode()


async def test_by_options(key_pem: str, proxy: ConnectProxy, authority: Authority) -> None:
    options = ("--proxy", proxy.with_login("me:secret"), "--ca-file", str(authority.file))
    code, said = await paycools(key_pem, *options, "balance")
    assert (code, "1,234.56" in said) == (0, True), said
    assert len(proxy.asked) == 1


async def test_by_the_environment(key_pem: str, proxy: ConnectProxy, authority: Authority) -> None:
    way = {"HTTPS_PROXY": proxy.with_login("me:secret"), "SSL_CERT_FILE": str(authority.file)}
    code, said = await paycools(key_pem, "balance", **way)
    assert (code, "1,234.56" in said) == (0, True), said
    assert len(proxy.asked) == 1


async def test_what_cannot_be_used_is_said_at_once(key_pem: str, proxy: ConnectProxy) -> None:
    for options, told in (
        (("--proxy", "socks5://me:secret@proxy:1080"), "proxy: SOCKS is not spoken here"),
        (("--ca-file", "/nowhere.pem"), "ca_file: /nowhere.pem cannot be read"),
    ):
        code, said = await paycools(key_pem, *options, "balance")
        assert (code, told in said) == (2, True), said
    assert proxy.asked == []
