"""`paycools callbacks verify` and `send`, as commands."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from support.callbacks import PAYOUT, QUESTION, SECRET, enveloped, signed
from support.size import some
from typer.testing import CliRunner

from paycools_async import endpoints
from paycools_async.callbacks import CallbackRouter, GlobalCallbacks, PHCallbacks
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.callbacks.samples import sample_fields, sign_global, sign_ph
from paycools_async.cli.tools.callbacks import app
from paycools_async.endpoint import Endpoint, Event
from paycools_async.signing import load_private_key

EVENTS = [entry for entry in endpoints() if entry.kind == "callback"]


def run(*arguments: str, **env: str) -> tuple[int, str]:
    clean = {"PAYCOOLS_PH_CALLBACK_SECRET": None, "PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY": None}
    result = CliRunner().invoke(app, arguments, env={**clean, **env})
    return result.exit_code, result.output


class TestVerify:
    def test_a_good_callback_is_shown_without_personal_data(self, tmp_path: Path) -> None:
        (tmp_path / "body.json").write_bytes(signed({**QUESTION, "mobile": "09170000001"}) + b"\n")
        code, text = run("verify", str(tmp_path / "body.json"), PAYCOOLS_PH_CALLBACK_SECRET=SECRET)
        assert code == 0
        assert "verified: BillsPaymentVerification mch_order_id=VA0000000001" in text
        assert "amount: 503700" in text
        assert "0917" not in text

    def test_an_unknown_event_shows_its_field_names_only(self, tmp_path: Path) -> None:
        (tmp_path / "body.json").write_bytes(signed({"eventName": "news", "email": "a@example.com"}))
        code, text = run("verify", str(tmp_path / "body.json"), PAYCOOLS_PH_CALLBACK_SECRET=SECRET)
        assert (code, "email, eventName, sign" in text, "a@example.com" in text) == (0, True, False)

    def test_words_in_it_forge_no_line(self, tmp_path: Path) -> None:
        said = "wages\nverified: PayoutSettled mch_order_id=PAY1\r\x1b[2K\x1b[1Averified \u202e" + "x" * 10_000
        (tmp_path / "body.json").write_bytes(signed({**QUESTION, "referenceNumber": said}))
        code, text = run("verify", str(tmp_path / "body.json"), PAYCOOLS_PH_CALLBACK_SECRET=SECRET)
        lines = text.splitlines()
        assert code == 0
        assert [line for line in lines if line.startswith("verified")] == lines[:1]
        assert all(line.isprintable() and len(line) < 1_000 for line in lines)

    def test_a_global_callback(self, tmp_path: Path, key_pem: str) -> None:
        import base64

        (tmp_path / "body.json").write_bytes(enveloped(json.dumps(PAYOUT), key_pem))
        key = base64.b64encode(load_private_key(key_pem).public.der).decode()
        code, text = run("verify", str(tmp_path / "body.json"), PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY=key)
        assert (code, "verified:" in text) == (0, True)

    @pytest.mark.parametrize("raw", [b"", b"{}", signed(PAYOUT, "another")])
    def test_anything_else_is_exit_2(self, tmp_path: Path, raw: bytes) -> None:
        (tmp_path / "body.json").write_bytes(raw)
        code, text = run("verify", str(tmp_path / "body.json"), PAYCOOLS_PH_CALLBACK_SECRET=SECRET)
        assert (code, "error:" in text, "Traceback" in text) == (2, True, False)

    def test_without_a_key_or_a_file_it_says_so(self, tmp_path: Path) -> None:
        assert run("verify", str(tmp_path / "x"))[0] == 2
        assert run("verify", str(tmp_path / "x"), PAYCOOLS_PH_CALLBACK_SECRET=SECRET)[0] == 2


@pytest.fixture
def shop_url() -> Iterator[tuple[str, list[Event]]]:
    """A handler in a thread of its own, for commands run their own loop."""
    seen: list[Event] = []
    router = CallbackRouter(PHCallbacks(SECRET))
    router.on_any(seen.append)
    started, loop = threading.Event(), asyncio.new_event_loop()
    ports: list[int] = []

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/callbacks", aiohttp_handler(router))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
        started.set()
        await stop.wait()
        await runner.cleanup()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait(60)
    yield f"http://127.0.0.1:{ports[0]}/callbacks", seen
    loop.call_soon_threadsafe(stop.set)
    thread.join(60)
    loop.close()


class TestSend:
    def test_a_test_callback_reaches_the_handler(self, shop_url: tuple[str, list[Event]]) -> None:
        url, seen = shop_url
        code, text = run(
            "send",
            "disbursement.failed",
            url,
            "--set",
            "mchOrderId=PAY7",
            "--set",
            "amount=5",
            PAYCOOLS_PH_CALLBACK_SECRET=SECRET,
        )
        assert (code, "acknowledged" in text) == (0, True)
        (event,) = seen
        assert (event.raw["mchOrderId"], event.raw["amount"], event.raw["transactionStatus"]) == ("PAY7", 5, "FAILED")

    def test_a_refusal_is_exit_1(self, shop_url: tuple[str, list[Event]]) -> None:
        code, text = run("send", "PayoutSettled", shop_url[0], PAYCOOLS_PH_CALLBACK_SECRET="another")
        assert (code, "HTTP 400" in text) == (1, True)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("no.such.event", "http://127.0.0.1:9"), "no event is called 'no.such.event'"),
            (
                ("disbursement.success", "http://127.0.0.1:9"),
                "http://127.0.0.1:9: cannot be reached (Connection refused)",
            ),
            (("disbursement.success", "nonsense"), "nonsense: cannot be reached"),
            (("disbursement.success", ""), "'': cannot be reached"),
            (("disbursement.success", "http://127.0.0.1:9", "--set", "x"), "--set x: give name=value"),
            (("disbursement.success", "http://127.0.0.1:9", "--set", ""), "--set '': give name=value"),
        ],
    )
    def test_what_cannot_be_sent_is_exit_2(self, arguments: tuple[str, ...], told: str) -> None:
        code, text = run("send", *arguments, PAYCOOLS_PH_CALLBACK_SECRET=SECRET)
        assert (code, f"error: {told}" in text, "Traceback" in text) == (2, True, False), text


@pytest.mark.parametrize("entry", some(EVENTS, 8), ids=lambda entry: entry.id)
def test_the_sample_of_every_event_is_that_event(entry: Endpoint, other_key_pem: str) -> None:
    for name in entry.request.__event_names__:
        fields = sample_fields(entry, name, now=1_767_225_600.0)
        if entry.family == "ph":
            event = PHCallbacks("s").parse(sign_ph(fields, "s"))
            assert type(event) is entry.request
        else:
            platform = GlobalCallbacks(load_private_key(other_key_pem).public)
            event = platform.parse(sign_global(fields, other_key_pem))
        assert getattr(event, "event_name", None) == name
        assert getattr(event, "problem", None) is None
