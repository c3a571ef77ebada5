"""`paycools sandbox`: a PayCools on this machine, to develop against."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import os
import shlex
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from ...engine.paths import checked_paths
from ...errors import ConfigurationError, InvalidKeyError
from ...registry import endpoints
from ...settings import MOST_BYTES
from ...signing import load_private_key
from ...storage.regular_file import read_small
from ...testing import FakePayCools, generate_private_key
from ...testing.faults import Fault
from ...testing.server.payouts import PayoutRecords
from ...urls import is_loopback_host
from ..console import echo, echo_error, given, on_signals, plain, run_command
from ..exit_codes import Broken
from ..lazy_group import with_example
from ..network import chosen_paths

if TYPE_CHECKING:  # it brings a web server along, which most commands need not wait for
    from ...testing import Sandbox

__all__ = ["open_sandbox", "sandbox"]

_KINDS = ("drop_before", "drop_after", "garbage", "busy", "http_status")


@with_example("paycools sandbox --port 8650 --fault drop_after=0.05")
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8650,
    key: Annotated[Path, typer.Option(help="The merchant's private key; made if it does not exist.")] = Path(
        "sandbox-private.pem"
    ),
    settle_after: Annotated[float, typer.Option(min=0, help="Seconds until a payout is final.")] = 2.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(help=f"A fault and its rate, such as drop_after=0.05. One of {', '.join(_KINDS)}."),
    ] = None,
    callback_url: Annotated[
        str | None, typer.Option(help="Deliver signed callbacks to this address of your handler's.")
    ] = None,
    journal: Annotated[Path | None, typer.Option(help="Keep its records in this file over restarts.")] = None,
) -> None:
    """Serve a PayCools of your own on 127.0.0.1, both APIs, with a page for your browser.

    Accounts ending in 0000 fail; everything else is paid. `paycools --path ENDPOINT=/... sandbox` serves an endpoint
    there.
    """
    from ...testing import Sandbox

    async def serve() -> int:
        paths, faults = _paths(), [_fault(text) for text in fault or ()]
        delivered_to = None if callback_url is None else _handler_of(callback_url)
        if journal is not None and not journal.name:
            raise ConfigurationError(f"--journal {journal}: is a folder; name a file")
        fake = FakePayCools(
            private_key=(pem := _key(key)),
            global_private_key=pem,
            platform_private_key=_key(key.with_name(f"{key.stem}.platform.pem")),
            paths={id: path for each in paths.values() for id, path in each.items()},
        )
        for each in faults:
            fake.faults.add(each)
        for records in (fake.payouts, fake.global_payouts):
            records.settle_after = settle_after
        if journal is not None:
            for records, file in (
                (fake.payouts, journal),
                (fake.global_payouts, journal.with_name(f"{journal.name}-global")),
            ):
                _open_journal(records, file)
                _try_to_write(file)
        stop = asyncio.Event()
        with on_signals(stop.set):
            async with _listening(Sandbox(fake, port=port, callback_url=callback_url), port) as box:
                _show_settings(fake, box.base_url, key, paths)
                if delivered_to is not None:
                    echo(f"# callbacks go to {delivered_to}")
                echo("# the sandbox is running; set these in another shell. Ctrl-C ends it")
                await stop.wait()
        return 0

    run_command(serve)


def _paths() -> dict[str, dict[str, str]]:
    """By API, paths for the endpoints of which no document tells one, and those that were given."""
    found: dict[str, dict[str, str]] = {}
    every = [each for each in endpoints() if each.kind == "request"]
    for family in ("ph", "global"):
        mine = [each for each in every if each.family == family]
        made = {each.id: f"/sandbox/{each.id}" for each in mine if each.path is None}
        found[family] = made | checked_paths(chosen_paths(family) or {}, {each.id for each in mine})
    return found


@contextlib.asynccontextmanager
async def _listening(box: Sandbox, port: int) -> AsyncIterator[Sandbox]:
    try:
        await box.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Broken(f"port {port} is in use: give another one with --port, or --port 0 for a free one") from None
        why = os.strerror(error.errno) if error.errno else error
        raise Broken(f"port {port} cannot be opened: {why}; give another one with --port") from None
    try:
        yield box
    finally:
        await box.aclose()


def _show_settings(fake: FakePayCools, base_url: str, key: Path, paths: dict[str, dict[str, str]]) -> None:
    ph, other = fake.ph_credentials, fake.global_credentials
    platform = other.platform_public_key
    settings = {
        "PAYCOOLS_PH_BASE_URL": base_url,
        "PAYCOOLS_PH_APP_ID": ph.app_id,
        "PAYCOOLS_PH_APP_NAME": ph.app_name,
        "PAYCOOLS_PH_PRIVATE_KEY": str(key.resolve()),
        "PAYCOOLS_PH_CALLBACK_SECRET": ph.callback_secret or "",
        "PAYCOOLS_PH_PATHS": _text_of(paths["ph"]),
        "PAYCOOLS_GLOBAL_BASE_URL": base_url,
        "PAYCOOLS_GLOBAL_APP_ID": other.app_id,
        "PAYCOOLS_GLOBAL_PRIVATE_KEY": str(key.resolve()),
        "PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY": "" if platform is None else base64.b64encode(platform.der).decode(),
        "PAYCOOLS_GLOBAL_PATHS": _text_of(paths["global"]),
    }
    for name, value in settings.items():
        echo(f"export {name}={shlex.quote(value)}")
    echo(f"# a page for your browser: {base_url}/")


def _text_of(paths: dict[str, str]) -> str:
    return ",".join(f"{id}={path}" for id, path in paths.items())


def _key(path: Path) -> str:
    """The key in this file, which is made where it is not there. Raises ConfigurationError, Broken."""
    try:
        if not path.exists():
            pem = generate_private_key()
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
                out.write(pem)
            return pem
        content = read_small(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise Broken(f"--key {path}: {why}; name a file that can be read, or made") from None
    try:
        der = load_private_key(content).der
    except InvalidKeyError as error:
        raise ConfigurationError(f"--key {path}: {error}") from None
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])


def _open_journal(records: PayoutRecords, journal: Path) -> None:
    try:
        records.open_journal(journal)
    except OSError as error:
        raise Broken(f"{journal}: {error.strerror or error}") from None
    except (ValueError, TypeError):
        raise ConfigurationError(f"{journal}: holds something else than a sandbox's records; name another") from None


def _try_to_write(journal: Path) -> None:
    try:
        journal.open("a").close()
    except OSError as error:
        raise Broken(f"--journal {journal}: {error.strerror or error}") from None


def _handler_of(url: str) -> str:
    """Where callbacks go, without a password; warns where that is not this machine. Raises ConfigurationError."""
    advice = "--callback-url: give your handler's address, such as http://127.0.0.1:8000/paycools"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(advice) from None
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigurationError(advice)
    if not is_loopback_host(host):
        told = "whoever listens there hears of what is paid into this sandbox"
        echo_error(f"warning: --callback-url: {plain(host)} is not this machine; {told}")
    place = f"[{host}]" if ":" in host else host
    return plain(f"{parts.scheme}://{place}{'' if port is None else f':{port}'}{parts.path}")


def _fault(text: str) -> Fault:
    kind, _, rate = text.partition("=")
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if kind not in _KINDS or not 0 <= share <= 1:
        raise ConfigurationError(
            f"--fault {given(text)}: give one of {', '.join(_KINDS)} and a rate, such as drop_after=0.05"
        )
    return Fault(kind=kind, rate=share)  # type: ignore[arg-type]


def open_sandbox(ledger: Path, country: str | None) -> Sandbox:
    """The embedded sandbox of `payouts run --sandbox`; its records stand beside the ledger."""
    from ...testing import Sandbox

    fake = FakePayCools()
    payouts = fake.global_payouts if country else fake.payouts
    payouts.settle_after = 1.0
    _open_journal(payouts, Path(f"{ledger}.sandbox{'-' + country if country else ''}"))
    return Sandbox(fake)
