"""`paycools sandbox`: a PayCools on this machine, to develop against."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..config import PHCredentials
from ..errors import ConfigurationError
from ..testing import FakePayCools, generate_private_key
from ..testing.faults import Fault
from .console import echo, on_signals, run_command
from .lazy_group import with_example

if TYPE_CHECKING:  # it brings a web server along, which most commands need not wait for
    from ..testing import Sandbox

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
        str | None, typer.Option(help="Deliver signed callbacks to this address of yours, on this machine.")
    ] = None,
    journal: Annotated[Path | None, typer.Option(help="Keep its records in this file over restarts.")] = None,
) -> None:
    """Serve a PayCools of your own on 127.0.0.1. Accounts ending in 0000 fail; everything else is paid."""

    from ..testing import Sandbox

    async def serve() -> int:
        fake = FakePayCools(private_key=_key(key))
        for text in fault or ():
            fake.faults.add(_fault(text))
        fake.payouts.settle_after = settle_after
        if journal is not None:
            fake.payouts.open_journal(journal)
        stop = asyncio.Event()
        with on_signals(stop.set):
            async with Sandbox(fake, port=port, callback_url=callback_url) as box:
                _show_settings(fake.ph_credentials, box.base_url, key)
                await stop.wait()
        return 0

    run_command(serve)


def _show_settings(credentials: PHCredentials, base_url: str, key: Path) -> None:
    echo(f"export PAYCOOLS_PH_BASE_URL={base_url}")
    echo(f"export PAYCOOLS_PH_APP_ID={credentials.app_id}")
    echo(f"export PAYCOOLS_PH_APP_NAME='{credentials.app_name}'")
    echo(f"export PAYCOOLS_PH_PRIVATE_KEY={key.resolve()}")
    echo(f"export PAYCOOLS_PH_CALLBACK_SECRET={credentials.callback_secret}")
    echo("# the sandbox is running; set these in another shell. Ctrl-C ends it")


def _key(path: Path) -> str:
    if path.exists():
        return path.read_text("ascii")
    pem = generate_private_key()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(pem)
    return pem


def _fault(text: str) -> Fault:
    kind, _, rate = text.partition("=")
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if kind not in _KINDS or not 0 <= share <= 1:
        raise ConfigurationError(f"--fault {text}: give one of {', '.join(_KINDS)} and a rate, such as drop_after=0.05")
    return Fault(kind=kind, rate=share)  # type: ignore[arg-type]


def open_sandbox(ledger: Path, country: str | None) -> Sandbox:
    """The embedded sandbox of `payouts run --sandbox`; its records stand beside the ledger."""
    from ..testing import Sandbox

    fake = FakePayCools()
    payouts = fake.global_payouts if country else fake.payouts
    payouts.settle_after = 1.0
    payouts.open_journal(Path(f"{ledger}.sandbox{'-' + country if country else ''}"))
    return Sandbox(fake)
