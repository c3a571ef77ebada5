"""`paycools sandbox` serves both APIs, prints settings that work as they are, and says plainly why it cannot start."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from paycools_async import PayCoolsGlobal, PayCoolsPH, UnverifiedEndpointWarning

pytestmark = pytest.mark.process

COMMAND = [sys.executable, "-m", "paycools_async.cli"]


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join((os.getcwd(), kept.get("PYTHONPATH", ""))), **more}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the sandbox prints, as a shell would read it."""
    folder = tmp_path_factory.mktemp("a folder")
    command = [*COMMAND, "--path", "ph.ekyc.init=/mine/ekyc", "sandbox", "--port", "0", "--settle-after", "0"]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("# the sandbox is running"):
            break
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "export"
            name, _, value = words[1].partition("=")
            found[name] = value
    yield found
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    process.stdout.close()


async def test_both_apis_accept_what_is_printed(settings: dict[str, str]) -> None:
    async with PayCoolsPH.from_env(settings) as ph:
        await ph.ping()
        assert ph.credentials.callback_secret == "sandbox-callback-secret"
    async with PayCoolsGlobal.from_env(settings) as other:
        await other.ping("ID")
        assert other.credentials.platform_public_key is not None


async def test_a_debit_is_authorized_and_taken(settings: dict[str, str]) -> None:
    """Its paths are in no document; the sandbox says where it has them."""
    assert "ph.ekyc.init=/mine/ekyc" in settings["PAYCOOLS_PH_PATHS"].split(",")
    async with PayCoolsPH.from_env(settings) as ph:
        await ph.direct_debit.authorize(
            user_id="CUSTOMER1",
            request_id="REQ1",
            channel_code="PH_GCASH_DIRECT",
            terminal_type="WEB",
            redirect_url="https://shop.example/back",
            notify_url="https://shop.example/told",
        )
        body = json.dumps({"request_id": "REQ1", "answer": "yes"}).encode()
        with urllib.request.urlopen(f"{ph.base_url}/_sandbox/authorize", body, timeout=10) as answer:
            token = json.load(answer)["pay_token"]
        [known] = (await ph.direct_debit.authorization_query(user_id="CUSTOMER1")).active
        assert known.pay_token == token


def test_the_doctor_finds_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    found = subprocess.run([*COMMAND, "doctor", "--json"], env=environment(**settings), capture_output=True, text=True)
    assert (found.returncode, json.loads(found.stdout)["faults"]) == (0, 0), found.stderr


@pytest.mark.filterwarnings("ignore")
def test_a_file_is_paid_through_the_global_api(settings: dict[str, str], tmp_path: Path) -> None:
    template = [*COMMAND, "payouts", "template", "f.csv", "--api", "global", "--country", "id"]
    env = environment(**settings)
    assert subprocess.run(template, env=env, cwd=tmp_path).returncode == 0
    pay = [*COMMAND, "payouts", "run", "f.csv", "--yes", "--api", "global", "--country", "id"]
    found = subprocess.run(pay, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert (found.returncode, "settled:        1" in found.stdout) == (0, True), found.stderr
    assert UnverifiedEndpointWarning.__name__ not in found.stderr
    assert ".py:" not in found.stderr


# -- what cannot be ---------------------------------------------------------------------------------------------------


def refused(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code, and the one line that is said."""
    command = [*COMMAND, "sandbox", *arguments]
    found = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    [line] = found.stderr.splitlines()
    assert found.stdout == ""
    return found.returncode, line


def test_a_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert refused(tmp_path, "--port", port) == (
            4,
            f"error: port {port} is in use: give another one with --port, or --port 0 for a free one",
        )


def test_a_key_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "other").write_bytes(b"\xff\x00")
    assert refused(tmp_path, "--key", "folder")[0] == 4
    assert refused(tmp_path, "--key", "other") == (2, "error: --key other: the key is neither text nor DER")
    assert refused(tmp_path, "--key", "none/key.pem")[0] == 4


@pytest.fixture
def with_keys(tmp_path: Path, key_pem: str, other_key_pem: str) -> Path:
    """A folder where a sandbox need not make keys, which takes a while."""
    (tmp_path / "sandbox-private.pem").write_text(key_pem)
    (tmp_path / "sandbox-private.platform.pem").write_text(other_key_pem)
    return tmp_path


def test_a_journal_that_is_none(with_keys: Path) -> None:
    (with_keys / "journal").write_text("{}\n")
    told = "error: journal: holds something else than a sandbox's records; name another"
    assert refused(with_keys, "--journal", "journal") == (2, told)


@pytest.mark.parametrize("content", ["", "a shopping list\n", "\x00"], ids=["a key", "a text", "one byte"])
def test_a_file_that_is_no_journal_is_left_as_it_is(with_keys: Path, key_pem: str, content: str) -> None:
    (with_keys / "key.pem").write_text(content or key_pem)
    code, told = refused(with_keys, "--port", "0", "--journal", "key.pem")
    assert (code, told) == (2, "error: key.pem: holds something else than a sandbox's records; name another")
    assert (with_keys / "key.pem").read_text() == (content or key_pem)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://127.0.0.1/", "http://", "http://[::1/", "/paycools"])
def test_an_address_that_no_callback_can_go_to(tmp_path: Path, url: str) -> None:
    told = "error: --callback-url: give your handler's address, such as http://127.0.0.1:8000/paycools"
    assert refused(tmp_path, "--port", "0", "--callback-url", url) == (2, told)
    assert list(tmp_path.iterdir()) == [], "and no key was made"


@pytest.mark.parametrize(
    ("url", "told", "warned"),
    [
        ("http://me:hidden@127.0.0.1:8000/paycools?a=1", "http://127.0.0.1:8000/paycools", False),
        ("http://[::1]:8000", "http://[::1]:8000", False),
        ("https://shop.example/paycools", "https://shop.example/paycools", True),
    ],
)
def test_it_says_where_callbacks_go(with_keys: Path, url: str, told: str, warned: bool) -> None:
    command = [*COMMAND, "sandbox", "--port", "0", "--callback-url", url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=with_keys, env=environment(), stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("# the sandbox is running"):
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=200)
    assert lines[-2] == f"# callbacks go to {told}"
    assert "hidden" not in "".join(lines) + errors
    assert ("shop.example is not this machine" in errors) == warned
