"""`paycools doctor` finds what was planted, says the cure, and finds nothing where nothing is."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from Crypto.PublicKey import ECC, RSA
from support.authority import Authority
from support.served import answering, sandbox_of, served
from typer.testing import CliRunner

from paycools_async.cli.app import app
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

Doctor = Callable[..., Any]


@pytest.fixture
def key_file(tmp_path: Path, key_pem: str) -> Path:
    file = tmp_path / "merchant.pem"
    file.write_text(key_pem)
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def fake(key: PrivateKey) -> FakePayCools:
    return FakePayCools(private_key=key, global_private_key=key)


@pytest.fixture(scope="module")
def base_url(fake: FakePayCools) -> Iterator[str]:
    _ = fake.ph_credentials, fake.global_credentials
    with served(sandbox_of(fake)) as found:
        yield found


@pytest.fixture
def ph(fake: FakePayCools, key_file: Path, base_url: str) -> dict[str, str | None]:
    """Settings without a fault."""
    return {
        "PAYCOOLS_PH_APP_ID": fake.ph_credentials.app_id,
        "PAYCOOLS_PH_APP_NAME": fake.ph_credentials.app_name,
        "PAYCOOLS_PH_PRIVATE_KEY": str(key_file),
        "PAYCOOLS_PH_CALLBACK_SECRET": "sandbox-callback-secret",
        "PAYCOOLS_PH_BASE_URL": base_url,
    }


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """`doctor(settings, "--ledger", ...)`: the object that is printed. An option that is None takes a variable away."""
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def invoke(env: dict[str, str | None], *arguments: object, before: tuple[object, ...] = ()) -> Any:
        words = [str(each) for each in (*before, "doctor", "--json", *arguments)]
        result = CliRunner().invoke(app, words, env=env)
        assert "Traceback" not in result.output
        found = json.loads(result.stdout)
        assert found["exit_code"] == result.exit_code == (2 if found["faults"] else 0)
        assert all(each["cure"] for each in found["findings"] if each["level"] != "ok")
        return found

    return invoke


def bad(found: Any, level: str = "fault") -> list[tuple[str, str]]:
    """What is wrong: check and text."""
    return [(each["check"], each["text"]) for each in found["findings"] if each["level"] == level]


def test_nothing_is_found_where_nothing_is(doctor: Doctor, ph: dict[str, str | None]) -> None:
    found = doctor(ph)
    assert bad(found) == []
    checks = {each["check"] for each in found["findings"] if each["level"] == "ok"}
    assert checks >= {"ph.settings", "ph.private_key", "ph.callback_secret", "ph.host", "ph.paycools", "ph.clock"}


def test_the_global_api_is_looked_at_too(doctor: Doctor, fake: FakePayCools, key_file: Path, base_url: str) -> None:
    found = doctor(
        {
            "PAYCOOLS_GLOBAL_APP_ID": fake.global_credentials.app_id,
            "PAYCOOLS_GLOBAL_PRIVATE_KEY": str(key_file),
            "PAYCOOLS_GLOBAL_BASE_URL": base_url,
        },
        *("--country", "id"),
    )
    assert bad(found) == []
    assert [check for check, _ in bad(found, "warning")] == ["global.platform_key"]
    assert "global.paycools" in {each["check"] for each in found["findings"] if each["level"] == "ok"}


PLANTED: dict[str, tuple[dict[str, str | None], str, str]] = {
    "a variable is missing": ({"PAYCOOLS_PH_APP_ID": None}, "ph.settings", "PAYCOOLS_PH_APP_ID is not set"),
    "a placeholder": ({"PAYCOOLS_PH_APP_ID": "${APP_ID}"}, "ph.settings", "a placeholder that nobody filled in"),
    "a name that is none": ({"PAYCOOLS_PH_APP_NAME": "Sari-Sari"}, "ph.settings", "letters and spaces only"),
    "no key": ({"PAYCOOLS_PH_PRIVATE_KEY": "/none.pem"}, "ph.private_key", "no file of that name can be read"),
    "a secret that was never set": (
        {"PAYCOOLS_PH_CALLBACK_SECRET": "changeme"},
        "ph.callback_secret",
        "looks like a placeholder",
    ),
    "an environment that is none": ({"PAYCOOLS_PH_ENVIRONMENT": "prod"}, "ph.environment", "uat or production"),
    "production at the test system": (
        {"PAYCOOLS_PH_ENVIRONMENT": "production", "PAYCOOLS_PH_BASE_URL": "https://api-uat.paycools.com"},
        "ph.environment",
        "is PayCools' test system",
    ),
    "production without a host": (
        {"PAYCOOLS_PH_ENVIRONMENT": "production", "PAYCOOLS_PH_BASE_URL": None},
        "ph.host",
        "PayCools gives the PH production host to each merchant",
    ),
    "plain HTTP": ({"PAYCOOLS_PH_BASE_URL": "http://api-uat.paycools.com"}, "ph.host", "use https"),
    "a path of no endpoint": (
        {"PAYCOOLS_PH_PATHS": "nope=/x"},
        "ph.paths",
        "PAYCOOLS_PH_PATHS: there is no endpoint 'nope'",
    ),
    "a path of the other API": ({"PAYCOOLS_PH_PATHS": "global.ph.static.detail=/x"}, "ph.paths", "no endpoint"),
    "a ledger's file that is not there": ({"PAYCOOLS_LEDGER_FILE": "/nope"}, "ledger", "its file cannot be read"),
    "a ledger that is no place": ({"PAYCOOLS_LEDGER": "u:secret@h/d"}, "ledger", "postgresql://user@host/database"),
    "a ledger in no folder": ({"PAYCOOLS_LEDGER": "no/such/l.db"}, "ledger", "there is no such folder"),
    "a proxy that is none": ({"HTTPS_PROXY": "socks5://127.0.0.1:1"}, "ph.proxy", "SOCKS is not spoken here"),
    "authorities that are not there": ({"SSL_CERT_FILE": "/none.pem"}, "ph.certificates", "names what is not there"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_in_the_settings_is_found(doctor: Doctor, ph: dict[str, str | None], planted: str) -> None:
    changes, check, text = PLANTED[planted]
    found = doctor({**ph, **changes}, "--offline")
    assert [each for each in bad(found) if each[0] == check and text in each[1]], bad(found)
    assert len(bad(found)) == 1, bad(found)


def test_a_public_key_and_another_key_s_halves(doctor: Doctor, ph: dict[str, str | None], key: PrivateKey) -> None:
    ph["PAYCOOLS_PH_PRIVATE_KEY"] = base64.b64encode(key.public.der).decode()
    [(check, text)] = bad(doctor(ph, "--offline"))
    assert (check, "this is a public key" in text) == ("ph.private_key", True)


def test_ones_own_key_for_paycools_own(doctor: Doctor, fake: FakePayCools, key_file: Path, key: PrivateKey) -> None:
    env = {
        "PAYCOOLS_GLOBAL_APP_ID": "APP",
        "PAYCOOLS_GLOBAL_PRIVATE_KEY": str(key_file),
        "PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY": base64.b64encode(key.public.der).decode(),
    }
    [(check, text)] = bad(doctor(env, "--offline"))
    assert (check, "the merchant's own key" in text) == ("global.platform_key", True)


@pytest.mark.parametrize("app_id", ["APP", None])
@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("own", "is the public half of the merchant's own key, PAYCOOLS_GLOBAL_PRIVATE_KEY"),
        ("private", "this is a private key"),
        ("short", "this key has 1024 bits; at least 2048 are needed"),
        ("elliptic", "it is an elliptic-curve key"),
        ("text", "this is neither a PEM nor a Base64 key"),
        ("file", "PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY_FILE: its file cannot be read"),
    ],
)
def test_what_cannot_be_paycools_own_key_is_found_whatever_else_is_missing(
    doctor: Doctor, key_file: Path, key: PrivateKey, other_key_pem: str, kind: str, told: str, app_id: str | None
) -> None:
    texts = {
        "own": base64.b64encode(key.public.der).decode(),
        "private": other_key_pem,
        "short": RSA.generate(1024).public_key().export_key().decode(),
        "elliptic": ECC.generate(curve="P-256").public_key().export_key(format="PEM"),
        "text": "hello",
        "file": "/none.pem",
    }
    name = f"PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY{'_FILE' if kind == 'file' else ''}"
    env = {"PAYCOOLS_GLOBAL_APP_ID": app_id, "PAYCOOLS_GLOBAL_PRIVATE_KEY": str(key_file), name: texts[kind]}
    found = bad(doctor(env, "--offline", "--api", "global"))
    assert [(check, told in text) for check, text in found if check != "global.settings"] == [
        ("global.platform_key", True)
    ]
    assert len(found) == (1 if app_id else 2)


@pytest.mark.parametrize(("secret", "level"), [("changeme", "fault"), (None, "warning")])
def test_the_secret_is_looked_at_whatever_else_is_missing(
    doctor: Doctor, ph: dict[str, str | None], secret: str | None, level: str
) -> None:
    found = doctor({**ph, "PAYCOOLS_PH_APP_NAME": None, "PAYCOOLS_PH_CALLBACK_SECRET": secret}, "--offline")
    assert [check for check, _ in bad(found, level) if check != "ph.settings"][-1:] == ["ph.callback_secret"]


def test_a_variable_that_nothing_reads(doctor: Doctor, ph: dict[str, str | None]) -> None:
    found = doctor({**ph, "PAYCOOLS_PH_APPID": "x"}, "--offline")
    assert bad(found, "warning")[:1] == [("variables", "PAYCOOLS_PH_APPID is set, and nothing reads it")]
    [cure] = [each["cure"] for each in found["findings"] if each["check"] == "variables"]
    assert cure == "write PAYCOOLS_PH_APP_ID"


def test_a_key_that_others_can_read(doctor: Doctor, ph: dict[str, str | None], key_file: Path) -> None:
    key_file.chmod(0o644)
    found = doctor(ph, "--offline")
    text = "PAYCOOLS_PH_PRIVATE_KEY: others on this machine can read its file (mode 644)"
    assert bad(found) == [("ph.permissions", text)]
    [cure] = [each["cure"] for each in found["findings"] if each["check"] == "ph.permissions"]
    assert cure == f"chmod 600 {key_file}"


# -- what one call shows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "check", "text"),
    [
        ({"PAYCOOLS_PH_APP_ID": "SOMEBODYELSE"}, "ph.app_id_or_key", "1001"),
        ({"PAYCOOLS_PH_PRIVATE_KEY": "OTHER"}, "ph.app_id_or_key", "1003"),
        ({"PAYCOOLS_PH_BASE_URL": "http://127.0.0.1:1"}, "ph.sandbox", "refused"),
        (
            {"PAYCOOLS_PH_BASE_URL": "https://paycools.test", "HTTPS_PROXY": "http://me:hidden@127.0.0.1:1"},
            "ph.proxy",
            "cannot be reached",
        ),
    ],
)
def test_what_a_call_shows(
    doctor: Doctor, ph: dict[str, str | None], other_key_pem: str, changes: dict[str, str], check: str, text: str
) -> None:
    if "PAYCOOLS_PH_PRIVATE_KEY" in changes:
        changes = {"PAYCOOLS_PH_PRIVATE_KEY": other_key_pem}
    found = doctor({**ph, **changes})
    [(found_check, said)] = bad(found)
    assert (found_check, text in said) == (check, True), said
    assert "hidden" not in json.dumps(found)


def _json(code: int, **headers: str) -> Callable[[], web.Response]:
    data = {"balance": 1}
    return lambda: web.json_response({"code": code, "message": "said", "data": data}, headers=headers)


ANSWERS = {
    "white list": (_json(1002), "ph.white_list", "1002", "ask your account manager"),
    "switched off": (_json(1004), "ph.merchant", "1004", "account manager"),
    "a gateway's page": (
        lambda: web.Response(status=403, text="<html>Blocked</html>", content_type="text/html"),
        "ph.host",
        "not as PayCools does",
        "firewall",
    ),
    "the clock": (
        _json(1000, Date=formatdate(1_700_000_000, usegmt=True)),
        "ph.clock",
        "ahead of the server's",
        "NTP",
    ),
}


@pytest.mark.parametrize("planted", ANSWERS)
def test_what_paycools_answers(doctor: Doctor, ph: dict[str, str | None], planted: str) -> None:
    answer, check, text, cure = ANSWERS[planted]
    with served(answering(answer)) as url:
        found = doctor({**ph, "PAYCOOLS_PH_BASE_URL": url})
    [(found_check, said)] = bad(found)
    assert (found_check, text in said) == (check, True), said
    assert [each for each in found["findings"] if each["check"] == check and cure in each["cure"]]


def test_a_certificate_that_nobody_vouches_for(
    doctor: Doctor, ph: dict[str, str | None], authority: Authority, tmp_path: Path
) -> None:
    with served(answering(_json(1000), authority.serving("127.0.0.1"))) as url:
        env = {**ph, "PAYCOOLS_PH_BASE_URL": url}
        assert bad(doctor(env, before=("--ca-file", authority.file))) == []
        [(check, said)] = bad(doctor(env))
    assert (check, "certificate" in said) == ("ph.certificates", True)
    (tmp_path / "no.pem").write_text("nothing")
    [(check, said)] = bad(doctor(ph, "--offline", before=("--ca-file", tmp_path / "no.pem")))
    assert (check, "holds no certificates in PEM" in said) == ("ph.certificates", True)


# -- ledgers, and this machine ----------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path, write_orders: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that was paid from in the sandbox of `--sandbox`."""
    words = ["payouts", "run", str(write_orders(1)), "--sandbox", "--yes", "--ledger", str(tmp_path / "l.db")]
    assert CliRunner().invoke(app, words).exit_code == 0
    return tmp_path / "l.db"


def test_a_ledger_is_looked_at_and_not_touched(doctor: Doctor, ledger: Path) -> None:
    before = {path.name: path.read_bytes() for path in ledger.parent.iterdir() if path.name.startswith("l.db")}
    found = doctor({}, "--offline", "--ledger", ledger)
    assert [check for check, _ in bad(found)] == ["ph.settings"]
    [text] = [each["text"] for each in found["findings"] if each["check"] == "ledger"]
    assert text.startswith(f"{ledger}: 1 batch, pays to 127.0.0.1")
    assert before == {path.name: path.read_bytes() for path in ledger.parent.iterdir() if path.name.startswith("l.db")}


def test_a_ledger_that_others_can_read(doctor: Doctor, ledger: Path) -> None:
    ledger.chmod(0o644)
    found = doctor({}, "--offline", "--ledger", ledger)
    assert ("permissions", f"{ledger}: others can read it (mode 644)") in bad(found)
    assert ledger.stat().st_mode & 0o777 == 0o644, "it is only told"


def test_a_folder_is_no_ledger_and_is_not_to_be_closed_to_its_owner(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o755)
    found = doctor({}, "--offline", "--ledger", "folder")
    assert bad(found)[1:] == [("ledger", "folder: is a folder, and no file")]
    assert found["findings"][-1]["cure"] == "name a file in it: folder/payouts.db"
    assert "chmod" not in json.dumps(found)
    assert bad(doctor({}, "--offline", "--ledger", "/dev/null"))[1:] == [
        ("ledger", "/dev/null: is no file that keeps anything")
    ]


def test_somebody_else_s_ledger(doctor: Doctor, ledger: Path, ph: dict[str, str | None]) -> None:
    found = doctor({**ph, "PAYCOOLS_PH_APP_ID": "OTHER"}, "--offline", "--ledger", ledger)
    [(check, text)] = bad(found)
    assert (check, "belongs to" in text) == ("ledger", True)


def test_what_is_no_ledger_and_a_folder_that_is_not_there(doctor: Doctor, ph: dict[str, str | None]) -> None:
    Path("no.db").write_text("nothing that SQLite knows, in a file of some length")
    Path("no.db").chmod(0o600)
    [(check, text)] = bad(doctor(ph, "--offline", "--ledger", "no.db"))
    assert (check, "is no ledger" in text) == ("ledger", True)
    assert bad(doctor(ph, "--offline", "--ledger", "none/l.db")) == [("ledger", "none: there is no such folder")]
    assert bad(doctor(ph, "--offline", "--ledger", "new.db")) == []


def test_no_folder_for_temporary_files(
    doctor: Doctor, ph: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert [check for check, _ in bad(doctor(ph, "--offline"))] == ["temporary"]


def test_for_people_each_fault_has_its_cure_on_the_next_line(doctor: Doctor) -> None:
    result = CliRunner().invoke(app, ["doctor", "--offline"])
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    [place] = [number for number, line in enumerate(lines) if line.startswith("fault")]
    assert "PAYCOOLS_PH_APP_ID" in lines[place]
    assert lines[place + 1].strip().startswith("cure: ")
    assert lines[-1].startswith("1 fault, ")


def test_the_ledger_of_the_environment_is_looked_at(doctor: Doctor, ledger: Path) -> None:
    found = doctor({"PAYCOOLS_LEDGER": str(ledger)}, "--offline")
    assert [each["level"] for each in found["findings"] if each["check"] == "ledger"] == ["ok"]
    assert "variables" not in {each["check"] for each in found["findings"]}
    ledger.with_name("name").write_text(str(ledger.with_name("none.db")))
    found = doctor({"PAYCOOLS_LEDGER": None, "PAYCOOLS_LEDGER_FILE": str(ledger.with_name("name"))}, "--offline")
    [cure] = [each["cure"] for each in found["findings"] if each["check"] == "ledger"]
    assert cure == "`paycools payouts run` makes it; or check PAYCOOLS_LEDGER"


def test_the_key_of_the_ph_api_for_paycools_own(doctor: Doctor, ph: dict[str, str | None], key: PrivateKey) -> None:
    env = {**ph, "PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY": base64.b64encode(key.public.der).decode()}
    found = bad(doctor(env, "--offline", "--api", "global", "--country", "ID"))
    assert [check for check, text in found if "PAYCOOLS_PH_PRIVATE_KEY" in text] == ["global.platform_key"]
