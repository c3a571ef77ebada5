"""`--json`: one object on standard output, of just the fields that docs/cli_json.md has, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest
from support.batch import WriteOrders, rows
from support.commands import COMMANDS
from support.served import sandbox_of, served
from typer.testing import CliRunner

from paycools_async.cli.app import app
from paycools_async.cli.destination import Destination
from paycools_async.cli.objects import payouts as objects
from paycools_async.cli.objects import settings as settings_objects
from paycools_async.cli.objects.base import place_of
from paycools_async.cli.objects.page import objects as every_object
from paycools_async.cli.objects.page import page
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools
from paycools_async.times import MANILA

PAGE = Path(__file__).parents[2] / "docs" / "cli_json.md"


def wrong(value: Any, hint: Any, at: str = "") -> list[str]:
    """Where a value is not what the class says."""
    origin, arguments = get_origin(hint), get_args(hint)
    if attrs.has(hint):
        hints = get_type_hints(hint)
        if not isinstance(value, dict) or set(value) != set(hints):
            return [f"{at}: {sorted(value) if isinstance(value, dict) else value!r}, not {sorted(hints)}"]
        return [fault for name in hints for fault in wrong(value[name], hints[name], f"{at}.{name}")]
    if origin is tuple:
        if not isinstance(value, list):
            return [f"{at}: {value!r} is no list"]
        inner = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        pairs = zip(value, inner, strict=True)
        return [fault for n, (each, kind) in enumerate(pairs) for fault in wrong(each, kind, f"{at}[{n}]")]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [fault for name, each in value.items() for fault in wrong(each, arguments[1], f"{at}.{name}")]
    if arguments:
        return [] if any(not wrong(value, each, at) for each in arguments) else [f"{at}: {value!r} is not {hint}"]
    return [] if type(value) is hint else [f"{at}: {value!r} is not {hint.__name__}"]


def met(value: Any, hint: Any) -> set[type[Any]]:
    """The classes of the page that a value holds."""
    origin, arguments = get_origin(hint), get_args(hint)
    if attrs.has(hint) and isinstance(value, dict):
        hints = get_type_hints(hint)
        return {hint}.union(*(met(value[name], hints[name]) for name in hints))
    if origin is tuple:
        return set().union(*(met(each, arguments[0]) for each in value))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return set().union(*(met(each, arguments[1]) for each in value.values()))
    return set().union(*(met(value, each) for each in arguments if not wrong(value, each)))


def test_the_check_finds_what_is_wrong() -> None:
    good = {"mch_order_id": "A", "line": 2, "method": "BANK", "bank": "", "amount": "1.00", "amount_minor": 100}
    assert wrong(good, objects.LargestObject) == []
    assert wrong({**good, "line": "2"}, objects.LargestObject) == [".line: '2' is not int"]
    assert wrong({**good, "more": 1}, objects.LargestObject)
    assert wrong({}, objects.LargestObject)


def test_the_page_is_made_of_the_classes() -> None:
    """Made anew with `python -m paycools_async.cli.objects.page > docs/cli_json.md`."""
    assert PAGE.read_text("utf-8") == page()


@pytest.fixture
def fake(key: PrivateKey) -> FakePayCools:
    return FakePayCools(private_key=key)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_orders: WriteOrders) -> Path:
    """A folder with l.db, of which one payout of three failed."""
    monkeypatch.chdir(tmp_path)
    write_orders(lines=[*rows(2), ["BAD1", "1.00", "EWALLET", "GCASH", "09171230000", "Clandestine Person"]])
    ran = CliRunner().invoke(app, ["payouts", "run", "orders.csv", "--sandbox", "--ledger", "l.db", "--yes", "--json"])
    assert ran.exit_code == 1, ran.output
    (tmp_path / "run.json").write_text(ran.stdout)
    return tmp_path


def told(*arguments: str) -> tuple[dict[str, Any], int]:
    result = CliRunner().invoke(app, ["payouts", *arguments, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    [line] = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    assert found.pop("exit_code") == result.exit_code
    assert (found.pop("error") is None) is (result.exit_code in (0, 1))
    assert "Clandestine" not in result.output
    return found, result.exit_code


@pytest.mark.parametrize(
    ("arguments", "cls", "code"),
    [
        (("check", "orders.csv"), objects.CheckResult, 0),
        (("status", "--ledger", "l.db"), objects.StatusResult, 1),
        (("report", "--ledger", "l.db", "--report", "out"), objects.StatusResult, 1),
        (("batches", "--ledger", "l.db"), objects.BatchesResult, 0),
        (("show", "BAD1", "--ledger", "l.db"), objects.ShowResult, 0),
        (("failures", "--ledger", "l.db"), objects.FailuresResult, 0),
        (("failures", "--ledger", "l.db", "--out", "again.csv"), objects.FailuresResult, 0),
        (("columns",), objects.ColumnsResult, 0),
        (("template", "t.csv"), objects.TemplateResult, 0),
        (("run", "orders.csv", "--ledger", "l.db", "--sandbox", "--dry-run"), objects.RunResult, 0),
        (("run", "orders.csv", "--ledger", "new.db", "--sandbox", "--dry-run"), objects.RunResult, 0),
        (("run", "orders.csv", "--ledger", "l.db", "--sandbox", "--yes"), objects.RunResult, 1),
        (("reconcile", "--ledger", "l.db", "--date", "2020-01-01", "--sandbox"), objects.ReconcileResult, 0),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_each_command_prints_its_object(ledger: Path, arguments: tuple[str, ...], cls: Any, code: int) -> None:
    found, ended = told(*arguments)
    assert wrong(found, cls) == []
    assert ended == code


def test_every_command_with_json_has_its_object_on_the_page_and_the_other_way_round() -> None:
    titles = [
        name for cls in every_object() for name in re.findall(r"`([a-z ]+)`", (cls.__doc__ or "").splitlines()[0])
    ]
    named = {title if " " in title or title in ("balance", "doctor") else f"payouts {title}" for title in titles}
    having = {
        " ".join(words)
        for words in COMMANDS
        if "--json" in CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"}).stdout.split()
    }
    assert having - {"endpoints"} == named
    assert "`endpoints --json`" in PAGE.read_text("utf-8")


@pytest.mark.filterwarnings("ignore")
def test_every_object_of_the_page_is_met_with_all_its_fields(
    ledger: Path, fake: FakePayCools, key_pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field of each object comes out of a command, and is what the page says."""
    bad = "mch_order_id,amount,pay_method_code,account_no,account_name\nA,1,X,1,Juan\n"
    (ledger / "bad.csv").write_text(bad)
    journal = ledger / "l.db.sandbox"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text("".join(json.dumps({**line, "amount": line["amount"] + 1}) + "\n" for line in lines))
    day = datetime.fromtimestamp(lines[0]["created"], MANILA).date().isoformat()
    found: set[type[Any]] = set()
    with served(sandbox_of(fake)) as url:
        settings = {
            "PAYCOOLS_PH_APP_ID": fake.ph_credentials.app_id,
            "PAYCOOLS_PH_APP_NAME": fake.ph_credentials.app_name,
            "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
            "PAYCOOLS_PH_BASE_URL": url,
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        for command, cls in (
            ("payouts check bad.csv", objects.CheckResult),
            ("payouts status --ledger l.db", objects.StatusResult),
            ("payouts batches --ledger l.db", objects.BatchesResult),
            ("payouts show BAD1 --ledger l.db", objects.ShowResult),
            ("payouts failures --ledger l.db --out again.csv", objects.FailuresResult),
            ("payouts columns", objects.ColumnsResult),
            ("payouts template t.csv", objects.TemplateResult),
            ("payouts run orders.csv --ledger new.db --sandbox --dry-run", objects.RunResult),
            (f"payouts reconcile --ledger l.db --date {day} --sandbox", objects.ReconcileResult),
            ("balance", settings_objects.BalanceResult),
            ("keys check --online", settings_objects.KeysResult),
            ("doctor", settings_objects.DoctorResult),
        ):
            result = CliRunner().invoke(app, [*command.split(), "--json"])
            told = json.loads(result.stdout)
            assert told.pop("exit_code") == result.exit_code
            told.pop("error")
            assert wrong(told, cls) == [], command
            found |= met(told, cls)
    assert {cls.__name__ for cls in every_object()} == {cls.__name__ for cls in found}


def test_endpoints_are_one_object_a_line_with_the_fields_of_the_page() -> None:
    result = CliRunner().invoke(app, ["endpoints", "--json"])
    names = re.search(r"`endpoints --json` prints one object a line: (.*)\.", PAGE.read_text("utf-8"))
    assert names is not None
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) > 50
    assert {tuple(line) for line in lines} == {tuple(re.findall(r"`(\w+)`", names[1]))}


def test_a_run_prints_what_it_was_asked_for_and_what_came_of_it(ledger: Path) -> None:
    found = json.loads((ledger / "run.json").read_text())
    assert (found.pop("exit_code"), found.pop("error")) == (1, None)
    assert wrong(found, objects.RunResult) == []
    assert found["states"] == {
        "failed": {"payouts": 1, "amount": "1.00", "amount_minor": 100},
        "settled": {"payouts": 2, "amount": "1000.20", "amount_minor": 100020},
    }
    assert found["preview"]["to_send"] == {"payouts": 3, "amount": "1001.20", "amount_minor": 100120}
    assert found["failures"][0]["code"] == -10005


def test_what_ends_early_is_an_object_too(ledger: Path) -> None:
    assert told("status", "--ledger", "none.db") == ({}, 2)
    assert told("show", "NONE", "--ledger", "l.db") == ({}, 2)
    bad = "mch_order_id,amount,pay_method_code,account_no,account_name\nA,1,X,1,Juan\n"
    (ledger / "bad.csv").write_text(bad)
    found, code = told("check", "bad.csv")
    assert (wrong(found, objects.CheckResult), code) == ([], 2)
    assert [fault["column"] for fault in found["faults"]] == ["pay_method_code"]
    assert told("run", "orders.csv", "--sandbox", "--ledger", "other.db") == ({}, 2), "nobody can be asked"


def test_without_it_nothing_is_an_object(ledger: Path) -> None:
    result = CliRunner().invoke(app, ["payouts", "status", "--ledger", "l.db"])
    assert "settled" in result.stdout
    assert "{" not in result.stdout


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_on_a_terminal_the_bar_and_the_question_leave_standard_output_alone(
    tmp_path: Path, write_orders: WriteOrders
) -> None:
    """Standard output is a terminal of its own here, so that a bar would be drawn there."""
    write_orders(3)
    out, theirs = os.openpty()
    program = "import sys; sys.argv[0] = 'paycools'; from paycools_async.cli import main; main()"
    arguments = ("payouts", "run", "orders.csv", "--sandbox", "--ledger", "l.db", "--json")
    people, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=terminal,
        stdout=theirs,
        stderr=terminal,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    os.close(theirs)
    os.close(terminal)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(people, 4096)
    os.write(people, b"y\n")
    told = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while each := os.read(out, 4096):
            told += each
    assert process.wait(60) == 0
    [line] = told.decode().splitlines()
    assert json.loads(line)["states"]["settled"]["payouts"] == 3
    os.close(people)
    os.close(out)


@pytest.mark.parametrize(
    ("command", "variables", "error"),
    [
        ("payouts status", {"PAYCOOLS_LEDGER_FILE": "/nope"}, "PAYCOOLS_LEDGER_FILE: its file cannot be read"),
        ("payouts status", {"PAYCOOLS_LEDGER": ""}, "PAYCOOLS_LEDGER is empty"),
        ("payouts batches --ledger ''", {}, "--ledger: no place is named"),
        ("payouts columns --api glob", {}, "--api glob: ph or global"),
        ("payouts columns --api global", {}, "--api global needs --country"),
        ("payouts check f.csv --country TH", {}, "--country goes with --api global"),
        ("balance --api global", {}, "--api global needs --country"),
        ("keys check --api global --online", {}, "--api global needs --country"),
        ("doctor --api global --country XX", {}, "--api global needs --country"),
    ],
)
def test_a_faulty_setting_is_an_object_too(command: str, variables: dict[str, str], error: str) -> None:
    result = CliRunner().invoke(app, [*shlex.split(command), "--json"], env=variables)
    [line] = result.stdout.splitlines()
    found = json.loads(line)
    assert sorted(found) == ["error", "exit_code"]
    assert found["exit_code"] == result.exit_code == 2
    assert found["error"].startswith(error)
    assert result.stderr == f"error: {found['error']}\n"
    without = CliRunner().invoke(app, shlex.split(command), env=variables)
    assert (without.stdout, without.stderr) == ("", result.stderr)


def test_an_environment_is_one_of_three_words() -> None:
    local = Destination(host="127.0.0.1:8722", merchant="m", api="PH API", country="PH").details()
    assert local["environment"] != "SANDBOX"
    assert place_of(local).environment == "SANDBOX"
    assert place_of({}).environment == ""
