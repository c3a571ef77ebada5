"""`paycools keys`: make a key pair, look at one."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Annotated

import typer

from ..client import PayCoolsPH
from ..config import PHCredentials, secret_doubts
from ..errors import ConfigurationError
from ..signing import load_private_key, signer_for, verifier_for
from ..testing.keys import generate_private_key
from .console import echo, run_command

__all__ = ["app"]

app: typer.Typer = typer.Typer(help="Make and check keys.", no_args_is_help=True)


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(help="Where the private key goes.")] = Path("paycools-private.pem"),
    bits: Annotated[int, typer.Option(min=2048, max=8192, help="PayCools documents 4096.")] = 4096,
) -> None:
    """Make a key pair. Prints the public half, to be registered with PayCools."""

    async def make() -> int:
        pem = generate_private_key(bits)
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise ConfigurationError(f"{file} exists; a key is never overwritten") from None
        except OSError as error:
            raise ConfigurationError(f"{file}: {error.strerror}") from None
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(pem)
        echo(f"{file}: private key, {bits} bits. Keep it secret.")
        echo("Public key, for PayCools:")
        echo(base64.b64encode(load_private_key(pem).public.der).decode())
        return 0

    run_command(make)


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="A key file; without it, the PAYCOOLS_PH_* variables.")] = None,
    online: Annotated[bool, typer.Option("--online", help="Also ask PayCools for the balance.")] = False,
) -> None:
    """Check a private key, or all PH settings; with --online also that PayCools accepts them."""

    async def look() -> int:
        if file is not None and online:
            raise ConfigurationError("--online uses the PAYCOOLS_PH_* variables; leave the file out")
        settings: PHCredentials | None = None
        if file is None:
            settings = PHCredentials.from_env()
            key = settings.private_key
        elif file.expanduser().exists():
            key = load_private_key(file)
        else:
            raise ConfigurationError(f"{file}: there is no such file")
        proof = b"paycools"
        if not verifier_for(key.public).verify(proof, signer_for(key).sign(proof)):
            raise ConfigurationError("the key's halves do not belong together")
        echo(f"private key: {key.bits} bits, signs and verifies")
        echo("Public key, for PayCools:")
        echo(base64.b64encode(key.public.der).decode())
        if settings is not None:
            echo(_line_of_secret(settings))
        if online:
            async with PayCoolsPH.from_env() as paycools:
                await paycools.ping()
                echo(f"PayCools ({paycools.base_url}) accepts app id, key and this machine's address")
        return 0

    run_command(look)


def _line_of_secret(settings: PHCredentials) -> str:
    """What can be said of the callback secret. Raises ConfigurationError where it cannot verify anything."""
    secret = settings.callback_secret
    if secret is None:
        return "callback secret: not set, so callbacks cannot be verified (PAYCOOLS_PH_CALLBACK_SECRET)"
    doubt = secret_doubts(settings)
    if doubt is not None:
        raise ConfigurationError(f"the callback secret {doubt}; callbacks would not verify")
    return (
        f"callback secret: {len(secret)} characters; only a callback of PayCools' proves it: "
        "`paycools callbacks verify FILE`"
    )
