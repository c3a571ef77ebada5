"""`balance` and `keys check` for both APIs, over real sockets, for people and as one JSON object."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from support.served import answering, sandbox_of, served
from typer.testing import CliRunner

from paycools_async import UnverifiedEndpointWarning
from paycools_async.cli.app import app
from paycools_async.cli.console import say_warnings
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def both(key: PrivateKey, key_pem: str) -> Iterator[dict[str, str]]:
    """Settings of both APIs, of a sandbox."""
    fake = FakePayCools(private_key=key, global_private_key=key, balance=123456)
    ph, other = fake.ph_credentials, fake.global_credentials
    with served(sandbox_of(fake)) as url:
        yield {
            "PAYCOOLS_PH_APP_ID": ph.app_id,
            "PAYCOOLS_PH_APP_NAME": ph.app_name,
            "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
            "PAYCOOLS_PH_BASE_URL": url,
            "PAYCOOLS_GLOBAL_APP_ID": other.app_id,
            "PAYCOOLS_GLOBAL_PRIVATE_KEY": key_pem,
            "PAYCOOLS_GLOBAL_BASE_URL": url,
        }


@pytest.fixture
def run(both: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("PAYCOOLS_")]:
        monkeypatch.delenv(name)

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(app, arguments, env=both)

    return invoke


@pytest.mark.parametrize(
    ("arguments", "told", "currency"),
    [
        ((), "PHP 1,234.56", "PHP"),
        (("--api", "global", "--country", "TH"), "THB 1,234.56", "THB"),
        (("--api", "GLOBAL", "--country", "id"), "IDR 123,456\n", "IDR"),
        (("--api", "global", "--country", "RU"), "RUB ", "RUB"),
    ],
)
def test_the_balance_of_both_apis(run: Run, arguments: tuple[str, ...], told: str, currency: str) -> None:
    result = run("balance", *arguments)
    assert (result.exit_code, told in result.stdout) == (0, True), result.output
    found = json.loads(run("balance", "--json", *arguments).stdout)
    assert (found["currency"], found["destination"]["environment"].partition(" ")[0]) == (currency, "SANDBOX")
    assert result.stdout.splitlines()[-1].replace(",", "") == f"{currency} {found['balance']}"
    assert (found["exit_code"], found["error"]) == (0, None)


@pytest.mark.parametrize(
    ("country", "sent", "told"),
    [
        ("ID", "10000.00", "IDR 10,000"),
        ("ID", "10000.50", "IDR 10,000.50"),
        ("MY", "10000", "MYR 10,000.00"),
        ("TH", "10000.5", "THB 10,000.50"),
        ("TH", "10000.505", "THB 10,000.505"),
        ("RU", "-1.10", "RUB -1.10"),
    ],
)
def test_a_balance_has_its_currency_s_decimals_and_loses_nothing(
    run: Run, both: dict[str, str], monkeypatch: pytest.MonkeyPatch, country: str, sent: str, told: str
) -> None:
    answer = {"code": 10000, "message": "Success", "data": {"balance": sent}}
    with served(answering(lambda: web.json_response(answer))) as url:
        monkeypatch.setitem(both, "PAYCOOLS_GLOBAL_BASE_URL", url)
        result = run("balance", "--api", "global", "--country", country)
        found = json.loads(run("balance", "--api", "global", "--country", country, "--json").stdout)
    assert result.stdout.splitlines()[-1] == told
    assert found["balance"] == told.partition(" ")[2].replace(",", "")


def test_a_balance_that_cannot_be_asked_for_is_one_object_too(run: Run) -> None:
    result = run("--proxy", "nothing", "balance", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"].startswith("proxy: ")


def test_the_global_api_needs_a_country(run: Run) -> None:
    result = run("balance", "--api", "global")
    assert (result.exit_code, "needs --country: PH, ID, MY, TH, RU" in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("arguments", [(), ("--api", "global", "--country", "MY")])
def test_keys_are_checked_with_paycools(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("keys", "check", "--online", *arguments)
    assert (result.exit_code, "accepts app id, key" in result.stdout) == (0, True), result.output
    found = json.loads(run("keys", "check", "--online", "--json", *arguments).stdout)
    assert (found["key_bits"], found["exit_code"]) == (2048, 0)
    assert found["accepted_by"].startswith("http://127.0.0.1:")
    assert found["public_key"] in result.stdout


def test_without_asking_no_country_is_needed(run: Run) -> None:
    result = run("keys", "check", "--api", "global")
    assert (result.exit_code, "platform key: not set" in result.stdout) == (0, True), result.output


# -- paths ------------------------------------------------------------------------------------------------------------


def test_a_path_may_be_given(run: Run, both: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox has nothing at another path."""
    result = run("--path", "ph.account.balance=/elsewhere", "balance")
    assert (result.exit_code, "404" in result.stderr) == (2, True), result.stderr
    assert run("--path", "global.account.balance=/elsewhere", "balance").exit_code == 0, "the other API's"
    monkeypatch.setitem(both, "PAYCOOLS_GLOBAL_PATHS", "global.account.balance=/elsewhere")
    assert run("balance", "--api", "global", "--country", "PH").exit_code == 2
    assert run("--path", "global.account.balance=/open-api/account/balance", *BALANCE).exit_code == 0


BALANCE = ("balance", "--api", "global", "--country", "PH")


@pytest.mark.parametrize("path", ["ph.account.balance", "account.balance=/x", "ph.nothing=/x"])
def test_a_path_that_is_none(run: Run, path: str) -> None:
    result = run("--path", path, "balance")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "path" in result.stderr


def test_a_warning_of_python_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        say_warnings()
        warnings.warn(
            "ph.x: the path /x is inferred; confirm it, and override it with paths= if it differs",
            UnverifiedEndpointWarning,
            stacklevel=1,
        )
    assert capsys.readouterr().err == (
        "warning: ph.x: the path /x is inferred; confirm it, and give it with `paycools --path ENDPOINT=/...` if it "
        "differs\n"
    )
