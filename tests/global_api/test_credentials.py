"""The Global API's credentials, hosts and environment."""

from __future__ import annotations

import traceback

import pytest
from Crypto.PublicKey import RSA
from support.global_wiretap import credentials

from paycools_async import (
    ConfigurationError,
    Environment,
    InvalidKeyError,
    PayCoolsGlobal,
)


def public_half(pem: str) -> str:
    return RSA.import_key(pem).public_key().export_key("PEM").decode()


def test_the_merchants_own_key_is_no_platform_key(key_pem: str, other_key_pem: str) -> None:
    with pytest.raises(InvalidKeyError, match="platform_public_key is the public half of the merchant's own key"):
        credentials(key_pem, platform_public_key=public_half(key_pem))
    one_line = "".join(public_half(key_pem).splitlines()[1:-1])
    with pytest.raises(InvalidKeyError, match="ask PayCools for it"):
        credentials(key_pem, platform_public_key=one_line)
    assert credentials(key_pem, platform_public_key=public_half(other_key_pem)).platform_public_key is not None


def test_a_private_key_is_no_platform_key(key_pem: str, other_key_pem: str) -> None:
    with pytest.raises(InvalidKeyError, match="this is a private key"):
        credentials(key_pem, platform_public_key=other_key_pem)


def test_only_callbacks_need_the_platform_key(key_pem: str) -> None:
    assert credentials(key_pem).platform_public_key is None
    with pytest.raises(ConfigurationError, match="app_id is empty"):
        credentials(key_pem, app_id=" ")


def test_no_secret_is_shown(key_pem: str, other_key_pem: str) -> None:
    own = credentials(key_pem, platform_public_key=public_half(other_key_pem))
    shown = repr(own) + repr(PayCoolsGlobal(own)) + str(own)
    try:
        credentials(key_pem, private_key=key_pem.replace("A", "!", 5))
    except InvalidKeyError:
        shown += traceback.format_exc(chain=True)
    for line in key_pem.splitlines()[1:-1]:
        assert line not in shown


def env(key_pem: str, **changes: str) -> dict[str, str]:
    found = {"PAYCOOLS_GLOBAL_APP_ID": "APP1", "PAYCOOLS_GLOBAL_PRIVATE_KEY": key_pem.replace("\n", "\\n")}
    return {**found, **{f"PAYCOOLS_GLOBAL_{name}": value for name, value in changes.items()}}


def test_a_client_comes_from_the_environment(key_pem: str, other_key_pem: str) -> None:
    client = PayCoolsGlobal.from_env(env(key_pem, PLATFORM_PUBLIC_KEY=public_half(other_key_pem)))
    assert client.credentials == credentials(key_pem, platform_public_key=public_half(other_key_pem))
    assert (client.environment, client.base_url) == (Environment.UAT, "https://globalapi-dev.paycools.com:8902")
    client = PayCoolsGlobal.from_env(env(key_pem, ENVIRONMENT="production", PLATFORM_PUBLIC_KEY=""))
    assert client.credentials.platform_public_key is None
    assert (client.environment, client.base_url) == (Environment.PRODUCTION, "https://openapi.paycools.com")
    client = PayCoolsGlobal.from_env(env(key_pem, BASE_URL="https://th.example/"), timestamp_unit="s")
    assert client.base_url == "https://th.example"
    assert repr(client) == "<PayCoolsGlobal UAT https://th.example app_id='APP1'>"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"APP_ID": "", "PRIVATE_KEY": ""}, r"^not set: PAYCOOLS_GLOBAL_APP_ID, PAYCOOLS_GLOBAL_PRIVATE_KEY$"),
        ({"PRIVATE_KEY": "nonsense"}, r"^PAYCOOLS_GLOBAL_PRIVATE_KEY: this is neither"),
        ({"PLATFORM_PUBLIC_KEY": "nonsense"}, r"^PAYCOOLS_GLOBAL_PLATFORM_PUBLIC_KEY: this is neither"),
        ({"ENVIRONMENT": "live"}, r"^PAYCOOLS_GLOBAL_ENVIRONMENT: uat or production$"),
        ({"BASE_URL": "http://th.example"}, r"^base_url: plain http is taken for this machine only"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(key_pem: str, changes: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        PayCoolsGlobal.from_env(env(key_pem, **changes))
