"""The commands. Each is thin: it reads options, calls the library, prints, and chooses the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from .console import echo, wants_json
from .lazy_group import lazy_group
from .network import choose_network

__all__ = ["app"]

_HERE = __name__.rpartition(".")[0]

app: typer.Typer = typer.Typer(
    name="paycools",
    help="Pay through PayCools: payout batches that never pay twice, a sandbox, keys.",
    epilog="Example: paycools payouts template wages.csv; see docs/first_payouts.md for what follows",
    no_args_is_help=True,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    cls=lazy_group(
        {
            "payouts": f"{_HERE}.payouts.commands:app",
            "doctor": f"{_HERE}.doctor.command:doctor",
            "balance": f"{_HERE}.tools.balance:balance",
            "sandbox": f"{_HERE}.tools.sandbox:sandbox",
            "keys": f"{_HERE}.tools.keys:app",
            "callbacks": f"{_HERE}.tools.callbacks:app",
            "endpoints": f"{_HERE}.endpoint_table:endpoints",
        }
    ),
)


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
    path: Annotated[
        list[str] | None,
        typer.Option(help="The path of an endpoint, ENDPOINT=/path; repeat. Or PAYCOOLS_PH_PATHS, _GLOBAL_PATHS."),
    ] = None,
) -> None:
    wants_json(False)  # until the command says so
    choose_network(proxy, ca_file, path or ())
