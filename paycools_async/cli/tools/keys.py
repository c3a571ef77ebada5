"""`paycools keys`: make a key pair, look at one."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Annotated

import typer

from ...config import GlobalCredentials, PHCredentials, secret_doubts
from ...countries import COUNTRIES
from ...errors import ConfigurationError
from ...signing import load_private_key, signer_for, verifier_for
from ..console import JsonOption, echo, present, run_command
from ..objects.settings import KeysResult
from ..payouts.options import ApiOption, CountryOption, chosen_country

__all__ = ["app"]

app: typer.Typer = typer.Typer(help="Make and check keys.", epilog="Example: paycools keys new", no_args_is_help=True)


@app.command("new", epilog="Example: paycools keys new paycools-private.pem")
def new(
    file: Annotated[Path, typer.Argument(help="Where the private key goes.")] = Path("paycools-private.pem"),
    bits: Annotated[int, typer.Option(min=2048, max=8192, help="PayCools documents 4096.")] = 4096,
) -> None:
    """Make a key pair. Prints the public half, to be registered with PayCools."""
    from ...testing.keys import generate_private_key

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


@app.command("check", epilog="Example: paycools keys check --api global --country TH --online")
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A key file; without it, the PAYCOOLS_PH_* or PAYCOOLS_GLOBAL_* variables.")
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Also ask PayCools for the balance.")] = False,
    api: ApiOption = "ph",
    country: CountryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a private key, or all settings of an API; with --online also that PayCools accepts them."""
    picked = _api_of(api, country, online)

    async def look() -> int:
        if file is not None and online:
            raise ConfigurationError("--online uses the variables of an API; leave the file out")
        settings: PHCredentials | GlobalCredentials | None = None
        if file is None:
            settings = PHCredentials.from_env() if picked == "ph" else GlobalCredentials.from_env()
            key = settings.private_key
        elif file.expanduser().exists():
            key = load_private_key(file)
        else:
            raise ConfigurationError(f"{file}: there is no such file")
        proof = b"paycools"
        if not verifier_for(key.public).verify(proof, signer_for(key).sign(proof)):
            raise ConfigurationError("the key's halves do not belong together")
        public = base64.b64encode(key.public.der).decode()
        echo(f"private key: {key.bits} bits, signs and verifies")
        echo("Public key, for PayCools:")
        echo(public)
        if isinstance(settings, PHCredentials):
            echo(_line_of_secret(settings))
        elif settings is not None:
            echo(_line_of_platform_key(settings))
        place = await _ask_paycools(None if picked == "ph" else picked) if online else None
        present(
            KeysResult(
                key_bits=key.bits,
                public_key=public,
                callbacks=None if settings is None else _verifies(settings),
                accepted_by=place,
            )
        )
        return 0

    run_command(look, as_json=as_json)


def _api_of(api: str, country: str | None, online: bool) -> str:
    """ "ph", or the Global API's country; "global" where none is needed."""
    if api.lower() == "global" and country is None and not online:
        return "global"
    return chosen_country(api, country, COUNTRIES) or "ph"


def _verifies(settings: PHCredentials | GlobalCredentials) -> bool:
    if isinstance(settings, PHCredentials):
        return settings.callback_secret is not None
    return settings.platform_public_key is not None


async def _ask_paycools(country: str | None) -> str:
    from ...client import PayCoolsPH
    from ..clients import open_client

    async with open_client(country) as paycools:
        if isinstance(paycools, PayCoolsPH):
            await paycools.ping()
        else:
            await paycools.ping(country)  # type: ignore[arg-type]
        echo(f"PayCools ({paycools.base_url}) accepts app id, key and this machine's address")
        return paycools.base_url


def _line_of_platform_key(settings: GlobalCredentials) -> str:
    key = settings.platform_public_key
    if key is None:
        return "platform key: not set, so callbacks cannot be verified (PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY)"
    return f"platform key: {key.bits} bits; only a callback of PayCools' proves it: `paycools callbacks verify FILE`"


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
