"""Settings from the environment: what surrounds them is left out, what does not belong there is refused by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from Crypto.PublicKey import RSA
from typer.testing import CliRunner

from paycools_async import (
    ConfigurationError,
    Environment,
    GlobalCredentials,
    InvalidKeyError,
    PayCoolsPH,
    PHCredentials,
)
from paycools_async.callbacks.samples import find_event, sample_fields, sign_ph
from paycools_async.cli.app import app
from paycools_async.config import secret_doubts

SECRET = "k7Qm2xWv9RtB4nZs"


def env(key_pem: str, **changes: str | None) -> dict[str, str]:
    found: dict[str, str | None] = {
        "APP_ID": "APP1",
        "APP_NAME": "Sari Sari",
        "PRIVATE_KEY": key_pem,
        "CALLBACK_SECRET": SECRET,
        **changes,
    }
    return {f"PAYCOOLS_PH_{name}": value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("around", [" {}", "{} ", "{}\n", "\r\n{}\r\n", "\t{}\u00a0", "\ufeff{}\n"])
def test_blanks_and_line_breaks_around_a_setting_are_left_out(key_pem: str, around: str) -> None:
    changes = {"APP_ID": "APP1", "APP_NAME": "Sari Sari", "CALLBACK_SECRET": SECRET}
    found = PHCredentials.from_env(env(key_pem, **{name: around.format(value) for name, value in changes.items()}))
    assert (found.app_id, found.app_name, found.callback_secret) == ("APP1", "Sari Sari", SECRET)
    client = PayCoolsPH.from_env(
        env(key_pem, ENVIRONMENT=around.format("production"), BASE_URL="https://pay.example\n")
    )
    assert (client.environment, client.base_url) == (Environment.PRODUCTION, "https://pay.example")


@pytest.mark.parametrize("name", ["APP_ID", "APP_NAME", "CALLBACK_SECRET", "ENVIRONMENT", "BASE_URL"])
@pytest.mark.parametrize("around", ['"{}"', "'{}'", ' "{}"\n', "“{}”"])
def test_quotation_marks_around_a_setting_are_refused_by_its_name(key_pem: str, name: str, around: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PayCoolsPH.from_env(env(key_pem, **{name: around.format("hidden")}))
    assert str(caught.value) == f"PAYCOOLS_PH_{name}: quotation marks stand around the value; take them away"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("k7Qm\u200b2xWv", "character 5 is ZERO WIDTH SPACE (U+200B)"),
        ("k7Qm\n2xWv", "character 5 is LINE FEED (U+000A)"),
        (" \n", "holds nothing but blanks"),
    ],
)
def test_what_cannot_be_seen_inside_a_setting_is_named(key_pem: str, value: str, told: str) -> None:
    for name in ("APP_ID", "CALLBACK_SECRET"):
        with pytest.raises(ConfigurationError) as caught:
            PHCredentials.from_env(env(key_pem, **{name: value}))
        assert str(caught.value) == f"PAYCOOLS_PH_{name}: {told}"


def test_credentials_given_in_code_obey_the_rule_too(key_pem: str) -> None:
    for changes in ({"app_id": "APP1\n"}, {"app_id": " APP1"}, {"callback_secret": f"{SECRET}\n"}):
        with pytest.raises(ConfigurationError, match=next(iter(changes))):
            PHCredentials(**{"app_id": "A", "app_name": "B", "private_key": key_pem, **changes})
    with pytest.raises(ConfigurationError, match="app_id: ends with a blank"):
        GlobalCredentials(app_id="APP1 ", private_key=key_pem)
    with pytest.raises(ConfigurationError, match="callback_secret"):
        PHCredentials(app_id="A", app_name="B", private_key=key_pem, callback_secret=key_pem)


# -- files -------------------------------------------------------------------------------------------------------------


def test_every_setting_may_come_from_a_file(key_pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings: dict[str, str] = {}
    more = {"ENVIRONMENT": "production", "BASE_URL": "https://pay.example"}
    for name, value in {**env(key_pem), **{f"PAYCOOLS_PH_{name}": value for name, value in more.items()}}.items():
        (tmp_path / name.lower()).write_text(f"\ufeff{value}\n", "utf-8")
        settings[f"{name}_FILE"] = f"~/{name.lower()}"
    client = PayCoolsPH.from_env(settings)
    assert client.credentials == PHCredentials.from_env(env(key_pem))
    assert (client.environment, client.base_url) == (Environment.PRODUCTION, "https://pay.example")


def test_the_global_api_s_too(key_pem: str, other_key_pem: str, tmp_path: Path) -> None:
    from Crypto.PublicKey import RSA

    public = RSA.import_key(other_key_pem).public_key().export_key().decode()
    found = {}
    for name, value in {"APP_ID": "APP1", "PRIVATE_KEY": key_pem, "PLATFORM_PUBLIC_KEY": public}.items():
        (tmp_path / name).write_text(value)
        found[f"PAYCOOLS_GLOBAL_{name}_FILE"] = str(tmp_path / name)
    credentials = GlobalCredentials.from_env(found)
    assert (credentials.app_id, credentials.platform_public_key is not None) == ("APP1", True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "its file cannot be read: No such file or directory"),
        (b"", "its file is empty"),
        (b" \n", "its file is empty"),
        (b"x" * 70_000, "its file has more than 65536 bytes"),
    ],
)
def test_a_file_that_holds_no_setting_is_refused_by_the_variable_s_name(
    key_pem: str, content: bytes | None, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    for name in ("CALLBACK_SECRET", "PRIVATE_KEY"):
        with pytest.raises(ConfigurationError) as caught:
            PHCredentials.from_env(env(key_pem, **{name: None, f"{name}_FILE": str(file)}))
        assert str(caught.value) == f"PAYCOOLS_PH_{name}_FILE: {told}"


def test_a_setting_is_text_and_a_key_need_not_be(key_pem: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError) as caught:
        PHCredentials.from_env(env(key_pem, CALLBACK_SECRET=None, CALLBACK_SECRET_FILE=str(file)))
    assert str(caught.value) == "PAYCOOLS_PH_CALLBACK_SECRET_FILE: its file is not UTF-8"
    key = RSA.import_key(key_pem)
    for content in (key.export_key("DER"), key.export_key("DER", pkcs=8), b"\xef\xbb\xbf" + key_pem.encode()):
        file.write_bytes(content)
        found = PHCredentials.from_env(env(key_pem, PRIVATE_KEY=None, PRIVATE_KEY_FILE=str(file)))
        assert found.private_key.bits == key.size_in_bits()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xfe\xed\xfe\xed" + b"\xff" * 40, "this is a Java key store"),
        ("-----BEGIN PRIVATE KEY-----".encode("utf-16"), "the key's text is UTF-16"),
        (
            b"\x30\x82\x01\x00\x02\x01\x03\x30\x82\x00\x10\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01",
            "it is a PKCS#12 store",
        ),
        (b"\xff\xfe\x00\x01" * 100, "the key is neither text nor DER"),
    ],
)
def test_what_a_keys_file_holds_is_named_for_what_it_is(
    key_pem: str, content: bytes, told: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(content)
    for changes in (
        {"PRIVATE_KEY": str(tmp_path / "key")},
        {"PRIVATE_KEY_FILE": str(tmp_path / "key"), "PRIVATE_KEY": None},
    ):
        with pytest.raises(InvalidKeyError, match=told) as caught:
            PHCredentials.from_env(env(key_pem, **changes))
        assert str(caught.value).startswith("PAYCOOLS_PH_PRIVATE_KEY")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('"hidden', "a quotation mark stands at the beginning of the value; take it away"),
        ("hidden'", "a quotation mark stands at the end of the value; take it away"),
        ("\u201ehidden\u201c", "quotation marks stand around the value; take them away"),
        ("\u00abhidden\u00bb", "quotation marks stand around the value; take them away"),
        ("\uff02hidden\uff02", "quotation marks stand around the value; take them away"),
        ("${APP_ID}", "is a variable or a placeholder that nobody filled in"),
        ("$APP_ID", "is a variable or a placeholder that nobody filled in"),
        ("%APP_ID%", "is a variable or a placeholder that nobody filled in"),
        ("{{ app_id }}", "is a variable or a placeholder that nobody filled in"),
        ("<app id>", "is a variable or a placeholder that nobody filled in"),
        ("PAYCOOLS_PH_APP_ID=hidden", "holds NAME=value; only the value belongs there"),
        ("export APP_ID = hidden", "holds NAME=value; only the value belongs there"),
        ("None", "is what programs write where nothing stands"),
    ],
)
def test_what_is_not_the_value_itself_is_refused_by_the_variable_s_name(key_pem: str, value: str, told: str) -> None:
    for name in ("APP_ID", "CALLBACK_SECRET"):
        with pytest.raises(ConfigurationError) as caught:
            PHCredentials.from_env(env(key_pem, **{name: value}))
        assert str(caught.value) == f"PAYCOOLS_PH_{name}: {told}"


@pytest.mark.parametrize("value", ["k7Qm2xWv9RtB4nZs==", "A_B==", "k7=Qm", "ab$CD", "50%off"])
def test_what_may_be_a_secret_is_taken(key_pem: str, value: str) -> None:
    assert PHCredentials.from_env(env(key_pem, CALLBACK_SECRET=value)).callback_secret == value


def test_a_value_and_a_file_are_one_too_many(key_pem: str) -> None:
    with pytest.raises(ConfigurationError, match="PAYCOOLS_PH_APP_ID and PAYCOOLS_PH_APP_ID_FILE are both set"):
        PHCredentials.from_env(env(key_pem, APP_ID_FILE="x"))


def test_a_wrong_key_in_a_file_names_its_variable(key_pem: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("nonsense")
    with pytest.raises(InvalidKeyError, match=r"^PAYCOOLS_PH_PRIVATE_KEY_FILE: this is neither"):
        PHCredentials.from_env(env(key_pem, PRIVATE_KEY=None, PRIVATE_KEY_FILE=str(tmp_path / "key")))


# -- the command line --------------------------------------------------------------------------------------------------

Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return lambda settings, *arguments: CliRunner().invoke(app, [str(each) for each in arguments], env=settings)


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("APP1", "is the app id or the app name"),
        ("Sari Sari", "is the app id or the app name"),
        ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A", "looks like an RSA key"),
        ("A" * 5 + "bcdef" * 40, "looks like an RSA key"),
        ("your-callback-secret", "looks like a placeholder"),
        ("xxxxxxxx", "looks like a placeholder"),
        ("password", "looks like a placeholder"),
        ("REDACTED", "looks like a placeholder"),
        ("replace-me", "looks like a placeholder"),
        ("insert_key_here", "looks like a placeholder"),
        ("False", "looks like a placeholder"),
        ("1234", "looks like a placeholder"),
        ("two words", "holds a blank"),
        ("/run/secrets/paycools", "looks like a path"),
    ],
)
def test_keys_check_finds_a_secret_that_cannot_verify(run: Run, key_pem: str, secret: str, told: str) -> None:
    result = run(env(key_pem, CALLBACK_SECRET=secret), "keys", "check")
    assert result.exit_code == 2
    assert f"the callback secret {told}" in result.stderr
    assert len(secret) < 20 or secret not in result.stderr


@pytest.mark.parametrize("secret", ["$SECRET", "%SECRET%", "SECRET_KEY=k7Qm2x", '"k7Qm2xWv9', "k7Qm2xWv9'"])
def test_a_secret_given_in_code_is_doubted_for_what_a_setting_is_refused_for(key_pem: str, secret: str) -> None:
    found = PHCredentials(app_id="A", app_name="B", private_key=key_pem, callback_secret=secret)
    assert secret_doubts(found)


def test_keys_check_says_what_is_known_of_a_good_one(run: Run, key_pem: str) -> None:
    told = run(env(key_pem), "keys", "check")
    assert (told.exit_code, "callback secret: 16 characters; only a callback" in told.output) == (0, True)
    assert SECRET not in told.output
    assert "callback secret: not set" in run(env(key_pem, CALLBACK_SECRET=None), "keys", "check").output
    assert secret_doubts(PHCredentials.from_env(env(key_pem))) is None


def test_callbacks_are_verified_with_the_secret_out_of_a_file(run: Run, key_pem: str, tmp_path: Path) -> None:
    entry, event_name = find_event("disbursement.success")
    (tmp_path / "body.json").write_bytes(sign_ph(sample_fields(entry, event_name), SECRET))
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    settings = {"PAYCOOLS_PH_CALLBACK_SECRET_FILE": str(tmp_path / "secret")}
    assert run(settings, "callbacks", "verify", "body.json").exit_code == 0
    assert run({"PAYCOOLS_PH_CALLBACK_SECRET": f" {SECRET}\n"}, "callbacks", "verify", "body.json").exit_code == 0


# -- paths of endpoints -----------------------------------------------------------------------------------------------


def test_paths_of_endpoints_come_from_a_variable(key_pem: str) -> None:
    settings = env(
        key_pem, PATHS="ph.ekyc.init=/v9/init, ph.directdebit.authorize=/v9/a,b;ph.payout.query=/q/{mchOrderId}"
    )
    assert PayCoolsPH.from_env(settings)._engine.prepare.paths == {
        "ph.ekyc.init": "/v9/init",
        "ph.directdebit.authorize": "/v9/a,b",
        "ph.payout.query": "/q/{mchOrderId}",
    }
    given = {"ph.ekyc.init": "/mine"}
    assert PayCoolsPH.from_env(settings, paths=given)._engine.prepare.paths == given, "what is given in code counts"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("ph.ekyc.init", "PAYCOOLS_PH_PATHS: give it as ENDPOINT=/path; `paycools endpoints` lists the endpoints"),
        ("ph.ekyc.init=v9", "PAYCOOLS_PH_PATHS: give it as ENDPOINT=/path; `paycools endpoints` lists the endpoints"),
        ("ph.ekyc.init=/a,ph.ekyc.init=/b", "PAYCOOLS_PH_PATHS: ph.ekyc.init has two paths"),
        ("ph.nothing=/a", "paths: there is no endpoint 'ph.nothing'"),
    ],
)
def test_paths_that_are_none_are_refused(key_pem: str, value: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PayCoolsPH.from_env(env(key_pem, PATHS=value))
    assert str(caught.value) == told
