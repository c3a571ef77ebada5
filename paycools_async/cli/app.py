"""The commands. Each is thin: it reads options, calls the library, prints, and chooses the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..client import PayCoolsPH
from ..money import format_major
from ..registry import endpoints as all_endpoints
from . import callbacks, keys, sandbox
from .clients import choose_network, network
from .console import echo, run_command
from .destination import Destination, destination_lines
from .payouts import commands as payouts

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    name="paycools",
    help="Pay through PayCools: payout batches that never pay twice, a sandbox, keys.",
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.add_typer(payouts.app, name="payouts")
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(keys.app, name="keys")
app.command("sandbox")(sandbox.sandbox)


def _version(wanted: bool) -> None:
    if wanted:
        echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    proxy: Annotated[
        str | None,
        typer.Option(help="Reach PayCools through this proxy, http://host:port; else HTTPS_PROXY and NO_PROXY say so."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Believe the certificate authorities in this PEM file too.")
    ] = None,
) -> None:
    choose_network(proxy, ca_file)


@app.command()
def balance() -> None:
    """Show the balance. Settings come from the PAYCOOLS_PH_* variables."""

    async def ask() -> int:
        async with PayCoolsPH.from_env(transport=network()) as paycools:
            for line in destination_lines(Destination.of(paycools, None).details()):
                echo(line)
            echo(format_major((await paycools.account.balance()).balance, "PHP"))
        return 0

    run_command(ask)


@app.command()
def endpoints(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List every endpoint and callback, and how sure its path is."""
    for entry in all_endpoints():
        row: dict[str, Any] = {
            "id": entry.id,
            "nav": entry.nav,
            "kind": entry.kind,
            "method": entry.method,
            "path": entry.path or "",
            "provenance": entry.provenance.value,
            "class": entry.request.__name__,
        }
        if as_json:
            echo(json.dumps(row))
        else:
            echo(
                f"{row['nav']:<6} {row['id']:<36} {row['method']:<4} {row['path'] or '-':<50} "
                f"{row['provenance']:<11} {row['class']}"
            )
