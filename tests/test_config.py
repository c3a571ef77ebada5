"""Credentials, environments and base URLs: what is wrong is said, and secrets are not."""

from __future__ import annotations

import pydoc
from typing import Any

import attrs
import pytest

from paycools_async import (
    ConfigurationError,
    Environment,
    GlobalCredentials,
    InvalidKeyError,
    PayCoolsGlobal,
    PayCoolsPH,
    PHCredentials,
)
from paycools_async.config import check_base_url, environment_from, ph_base_url
from paycools_async.signing import PrivateKey, load_private_key


@pytest.fixture(scope="module")
def key(key_pem: str) -> PrivateKey:
    return load_private_key(key_pem)


def credentials(key: Any, **changes: Any) -> PHCredentials:
    fields: dict[str, Any] = {"app_id": "APP1", "app_name": "Sari Sari", "private_key": key}
    return PHCredentials(**{**fields, **changes})


# --- credentials ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"app_id": ""}, "app_id is empty"),
        ({"app_id": "  "}, "app_id is empty"),
        ({"app_id": None}, "app_id is empty"),
        ({"app_name": ""}, "app_name is empty"),
        ({"app_name": 5}, "app_name is empty"),
        ({"app_name": "Shop 24"}, "app_name: letters and spaces only, as registered with PayCools"),
        ({"app_name": "Piña"}, "app_name: letters and spaces only, as registered with PayCools"),
        ({"app_name": "Sari-Sari"}, "app_name: letters and spaces only, as registered with PayCools"),
        ({"app_name": "a" * 101}, "app_name: at most 100 characters"),
        ({"callback_secret": ""}, "callback_secret is empty: anybody could sign callbacks; leave it out instead"),
        ({"callback_secret": " "}, "callback_secret is empty: anybody could sign callbacks; leave it out instead"),
    ],
)
def test_credentials_are_checked(key: PrivateKey, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        credentials(key, **changes)
    assert str(caught.value) == message


def test_a_wrong_key_is_refused_with_its_reason() -> None:
    with pytest.raises(InvalidKeyError, match="neither a PEM nor a Base64 key"):
        credentials("nonsense")


def test_credentials_show_neither_key_nor_secret(key: PrivateKey, key_pem: str) -> None:
    shown = repr(credentials(key_pem, callback_secret="a secret"))
    assert shown == "PHCredentials(app_id='APP1', app_name='Sari Sari')"
    assert credentials(key_pem) == credentials(key)


def test_credentials_do_not_change(key: PrivateKey) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        credentials(key).app_id = "APP2"  # type: ignore[misc]


def test_what_the_client_fills_in(key: PrivateKey) -> None:
    own = credentials(key)
    assert own.client_fields(()) == {"appId": "APP1"}
    assert own.client_fields(("appName", "timestamp"), now=1_767_225_600.1234) == {
        "appId": "APP1",
        "appName": "Sari Sari",
        "timestamp": 1767225600123,
    }


# --- the environment's variables --------------------------------------------------------------------------------------


def env(key_pem: str, **changes: str) -> dict[str, str]:
    found = {
        "PAYCOOLS_PH_APP_ID": "APP1",
        "PAYCOOLS_PH_APP_NAME": "Sari Sari",
        "PAYCOOLS_PH_PRIVATE_KEY": key_pem.replace("\n", "\\n"),
        "PAYCOOLS_PH_CALLBACK_SECRET": "a secret",
    }
    return {**found, **{f"PAYCOOLS_PH_{name}": value for name, value in changes.items()}}


def test_credentials_come_from_the_environment(key_pem: str, key: PrivateKey) -> None:
    assert PHCredentials.from_env(env(key_pem)) == credentials(key, callback_secret="a secret")


def test_an_unset_or_empty_callback_secret_is_none(key_pem: str) -> None:
    assert PHCredentials.from_env(env(key_pem, CALLBACK_SECRET="")).callback_secret is None


def test_everything_that_is_not_set_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PHCredentials.from_env({"PAYCOOLS_PH_APP_ID": "APP1", "PAYCOOLS_PH_APP_NAME": ""})
    assert str(caught.value) == "not set: PAYCOOLS_PH_APP_NAME, PAYCOOLS_PH_PRIVATE_KEY"


def test_a_wrong_key_names_its_variable(key_pem: str) -> None:
    with pytest.raises(InvalidKeyError, match=r"^PAYCOOLS_PH_PRIVATE_KEY: this is neither"):
        PHCredentials.from_env(env(key_pem, PRIVATE_KEY="nonsense"))


def test_a_client_comes_from_the_environment(key_pem: str) -> None:
    client = PayCoolsPH.from_env(env(key_pem))
    assert (client.environment, client.base_url) == (Environment.UAT, "https://api-uat.paycools.com")
    production = env(key_pem, ENVIRONMENT="Production ", BASE_URL="https://pay.example.ph/")
    client = PayCoolsPH.from_env(production)
    assert (client.environment, client.base_url) == (Environment.PRODUCTION, "https://pay.example.ph")
    client = PayCoolsPH.from_env(production, environment=Environment.UAT, base_url=None)
    assert (client.environment, client.base_url) == (Environment.UAT, "https://api-uat.paycools.com"), "options win"


@pytest.mark.parametrize("text", ["prod", "live", "UAT2", "test"])
def test_an_unknown_environment_is_refused_not_guessed(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^PAYCOOLS_PH_ENVIRONMENT: uat or production$"):
        environment_from(text)


@pytest.mark.parametrize("text", [None, "", "uat", " UAT "])
def test_the_test_system_is_the_default(text: str | None) -> None:
    assert environment_from(text) is Environment.UAT


# --- base URLs --------------------------------------------------------------------------------------------------------


def test_production_needs_the_host_that_paycools_gave(key: PrivateKey) -> None:
    """No document names the production host, so none is guessed."""
    with pytest.raises(ConfigurationError, match="PayCools gives the PH production host to each merchant"):
        ph_base_url(Environment.PRODUCTION, None)
    with pytest.raises(ConfigurationError, match="PAYCOOLS_PH_BASE_URL"):
        PayCoolsPH(credentials(key), environment=Environment.PRODUCTION)
    assert ph_base_url(Environment.PRODUCTION, "https://pay.example.ph") == "https://pay.example.ph"


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://pay.example.ph", "https://pay.example.ph"),
        (" https://pay.example.ph/ \n", "https://pay.example.ph"),
        ("https://pay.example.ph:8443/gate/", "https://pay.example.ph:8443/gate"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_https_is_taken_and_http_on_this_machine_only(url: str, taken: str) -> None:
    assert check_base_url(url) == taken


HTTP = "base_url: plain http is taken for this machine only; use https"
HOST = "base_url: give it as https://host"
EXTRA = "base_url: no user, query or fragment belongs there"
MALFORMED = "base_url: the host or the port is malformed"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://pay.example.ph", HTTP),
        ("http://10.0.0.1", HTTP),
        ("http://0.0.0.0", HTTP),
        ("http://127.0.0.1.example.ph", HTTP),
        ("http://localhost.example.ph", HTTP),
        ("http://2130706433", HTTP),
        ("pay.example.ph", HOST),
        ("ftp://pay.example.ph", HOST),
        ("file:///etc/passwd", HOST),
        ("https://", HOST),
        ("https:///path", HOST),
        ("", HOST),
        ("https://user:word@pay.example.ph", EXTRA),
        ("https://user@pay.example.ph", EXTRA),
        ("https://@pay.example.ph", EXTRA),
        ("http://localhost@pay.example.ph", EXTRA),
        ("https://pay.example.ph?a=b", EXTRA),
        ("https://pay.example.ph/?", EXTRA),
        ("https://pay.example.ph#top", EXTRA),
        ("https://pay.example.ph#", EXTRA),
        ("https://pay.example.ph:port", MALFORMED),
        ("https://pay.example.ph:70000", MALFORMED),
        ("https://[::1", MALFORMED),
        ("https://pay.exam ple.ph", "base_url: no blank belongs there"),
        ("https://pay.exam\nple.ph", "base_url: no blank belongs there"),
    ],
)
def test_everything_else_is_refused_and_not_repeated(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_base_url(url)
    assert str(caught.value) == message


@pytest.mark.parametrize("shown", [PayCoolsPH, PayCoolsGlobal, PHCredentials, GlobalCredentials])
def test_help_shows_nothing_of_the_environment(shown: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "hunter2")
    assert "hunter2" not in pydoc.render_doc(shown)
