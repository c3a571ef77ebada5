"""`paycools keys`: make a key pair, look at one."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Annotated

import typer

from ..client import PayCoolsPH
from ..config import PHCredentials
from ..errors import ConfigurationError
from ..signing import load_private_key, signer_for, verifier_for
from ..testing.keys import generate_private_key
from .run import failing_clearly, say

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
        say(f"{file}: private key, {bits} bits. Keep it secret.")
        say("Public key, for PayCools:")
        say(base64.b64encode(load_private_key(pem).public.der).decode())
        return 0

    failing_clearly(make)


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="A key file; without it, the PAYCOOLS_PH_* variables.")] = None,
    online: Annotated[bool, typer.Option("--online", help="Also ask PayCools for the balance.")] = False,
) -> None:
    """Check a private key, or all PH settings; with --online also that PayCools accepts them."""

    async def look() -> int:
        if file is not None and online:
            raise ConfigurationError("--online uses the PAYCOOLS_PH_* variables; leave the file out")
        if file is not None and not file.exists():
            raise ConfigurationError(f"{file}: there is no such file")
        key = load_private_key(file) if file is not None else PHCredentials.from_env().private_key
        proof = b"paycools"
        if not verifier_for(key.public).verify(proof, signer_for(key).sign(proof)):
            raise ConfigurationError("the key's halves do not belong together")
        say(f"private key: {key.bits} bits, signs and verifies")
        say("Public key, for PayCools:")
        say(base64.b64encode(key.public.der).decode())
        if online:
            async with PayCoolsPH.from_env() as paycools:
                await paycools.ping()
                say(f"PayCools ({paycools.base_url}) accepts app id, key and this machine's address")
        return 0

    failing_clearly(look)
