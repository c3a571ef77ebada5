"""`paycools callbacks`: check one that came, send one to try a handler with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from ...callbacks import Answer, CallbackRouter, GlobalCallbacks, PHCallbacks, UnknownEvent, reference_of
from ...callbacks.parsing import MAX_BODY
from ...callbacks.samples import find_event, sample_fields, sign_global, sign_ph
from ...callbacks.verify import Callbacks
from ...endpoint import Event
from ...errors import ConfigurationError
from ...settings import key_setting, setting
from ...signing import load_private_key
from ...storage.regular_file import read_small
from ...texts import shown_text
from ..console import echo, given, run_command

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    help="Verify callbacks, and send signed test callbacks.",
    epilog="Example: paycools callbacks verify callback.json",
    no_args_is_help=True,
)

PH_SECRET = "PAYCOOLS_PH_CALLBACK_SECRET"  # noqa: S105 - a variable's name  # nosec B105
PLATFORM_KEY = "PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY"


@app.command(epilog="Example: paycools callbacks verify callback.json")
def verify(file: Annotated[Path, typer.Argument(help="The raw body as it came; - reads standard input.")]) -> None:
    """Verify a callback's body and show the event, without personal data. Exit 0: it is PayCools'; 2: it is not.

    The PH secret comes from PAYCOOLS_PH_CALLBACK_SECRET, PayCools' key from PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY.
    """

    async def check() -> int:
        event = CallbackRouter(*_callbacks()).verified(_read(file)).event
        echo(f"verified: {reference_of(event)}")
        for name, value in _shown(event):
            echo(f"  {name}: {shown_text(value)}")
        return 0

    run_command(check)


def _callbacks() -> list[Callbacks]:
    found: list[Callbacks] = []
    if secret := setting(os.environ, PH_SECRET):
        found.append(PHCallbacks(secret))
    if key := key_setting(os.environ, PLATFORM_KEY):
        found.append(GlobalCallbacks(key[1]))
    if not found:
        raise ConfigurationError(f"set {PH_SECRET} or {PLATFORM_KEY}")
    return found


def _read(file: Path) -> bytes:
    try:
        most = MAX_BODY + 2  # and a line end; more is refused with the bound
        raw = sys.stdin.buffer.read(most) if str(file) == "-" else read_small(file, most)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {getattr(error, 'strerror', None) or 'no such name'}") from None
    return raw.rstrip(b"\r\n")  # an editor's last line end is not part of a body


def _shown(event: Event) -> list[tuple[str, Any]]:
    if isinstance(event, UnknownEvent):
        fields = ", ".join(sorted(event.raw)) if isinstance(event.raw, dict) else ""
        return [("event_name", event.event_name), ("problem", event.problem), ("fields", fields)]
    described: Any = type(event)
    found = [(field.name, getattr(event, field.name)) for field in attrs.fields(described) if field.repr]
    return [(name, value) for name, value in found if value is not None]


@app.command(epilog="Example: paycools callbacks send disbursement.success http://127.0.0.1:8000/paycools")
def send(
    event: Annotated[str, typer.Argument(help="An event name (disbursement.success), a class or an endpoint id.")],
    url: Annotated[str, typer.Argument(help="Your handler's address.")],
    fields: Annotated[list[str] | None, typer.Option("--set", help="A field, such as mchOrderId=PAY1; repeat.")] = None,
    platform_key: Annotated[
        Path | None, typer.Option(help="Global events: a private key of your own that stands for PayCools'.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="Send the very same body so often.")] = 1,
) -> None:
    """Send a signed test callback to your own handler. Exit 0: acknowledged as documented; 1: not; 2: not sent."""

    from ...testing.delivery import acknowledges

    async def deliver() -> int:
        body = _body(event, fields or [], platform_key)
        enough = True
        for _ in range(repeat):
            answer = await _post(url, body)
            enough = enough and acknowledges(body, answer.status, answer.body)
            echo(f"HTTP {answer.status} {shown_text(answer.body[:500].decode('utf-8', 'replace'))}")
        echo("acknowledged" if enough else "not acknowledged: PayCools would send it again")
        return 0 if enough else 1

    run_command(deliver)


def _body(name: str, changes: list[str], platform_key: Path | None) -> bytes:
    try:
        entry, event_name = find_event(name)
    except LookupError as error:
        raise ConfigurationError(str(error.args[0])) from None
    fields = sample_fields(entry, event_name)
    for change in changes:
        field, equals, value = change.partition("=")
        if not equals or not field:
            raise ConfigurationError(f"--set {given(change)}: give name=value")
        number = value.removeprefix("-").isdecimal() and value.isascii() and not isinstance(fields.get(field), str)
        fields[field] = int(value) if number else value
    if entry.family == "ph":
        secret = setting(os.environ, PH_SECRET)
        if not secret:
            raise ConfigurationError(f"set {PH_SECRET} to the secret that your handler has")
        return sign_ph(fields, secret)
    if platform_key is None:
        raise ConfigurationError(
            "PayCools' own key is PayCools' alone: give --platform-key a private key made for this "
            "(`paycools keys new`), and your handler its public half"
        )
    return sign_global(fields, load_private_key(str(platform_key)))


async def _post(url: str, body: bytes) -> Answer:
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http,
            http.post(url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False) as answer,
        ):
            return Answer(await answer.read(), answer.status)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number else type(error).__name__
        raise ConfigurationError(f"{given(url)}: cannot be reached ({why})") from None
