"""What docs/deploy holds is right as far as this machine can tell, and a worker lives as a container lets it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support.batch import HEADER, rows
from support.own_postgres import OwnPostgres
from support.restricted import as_in_a_container, environment
from support.waiting import wait_for

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
COMMAND = ("-m", "paycools_async.cli")
RESTRICTED = pytest.mark.process


# -- the files --------------------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def command_of_the_container() -> list[str]:
    """Without the program itself."""
    found: list[str] = json.loads(dict(instructions())["CMD"])
    return found


def test_the_container_is_slim_and_nobody_is_root_in_it() -> None:
    found = instructions()
    assert [value.split()[0].endswith("-slim") for name, value in found if name == "FROM"] == [True, True]
    last = dict(found)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", last["USER"])
    assert last["ENTRYPOINT"] == '["paycools"]'
    assert "root" not in last["USER"]
    [extras] = re.findall(r'"\.\[([\w,]+)\]"', next(value for name, value in found if name == "RUN"))
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert set(extras.split(",")) <= set(known)
    assert {"metrics", "postgres"} <= set(extras.split(","))


def commands() -> dict[str, list[str]]:
    """What each of the files starts."""
    yaml = pytest.importorskip("yaml")
    service = (DEPLOY / "paycools-worker.service").read_text("utf-8")
    pod = next(each for each in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
    return {
        "container": command_of_the_container(),
        "service": re.findall(r"^ExecStart=\S+ (.*)$", service, re.MULTILINE)[0].split(),
        "pod": pod["spec"]["template"]["spec"]["containers"][0]["args"],
    }


@pytest.mark.process
@pytest.mark.parametrize("which", ["container", "service", "pod"])
def test_each_starts_a_worker_that_is_watched_with_options_that_exist(which: str) -> None:
    command = commands()[which]
    assert command[:2] == ["payouts", "worker"]
    shown = subprocess.run(
        [sys.executable, *COMMAND, "payouts", "worker", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": "", "PYTHONPATH": str(ROOT)},
    ).stdout
    options = [word for word in command if word.startswith("--")]
    assert "--listen" in options
    for option in options:
        assert option in shown


def test_each_gets_its_secrets_as_files() -> None:
    yaml = pytest.importorskip("yaml")
    wanted = {f"PAYCOOLS_{name}_FILE" for name in ("PH_APP_ID", "PH_APP_NAME", "PH_PRIVATE_KEY", "LEDGER")}
    service = (DEPLOY / "paycools-worker.service").read_text("utf-8")
    files = dict(re.findall(r"^Environment=(\w+_FILE)=%d/(\S+)$", service, re.MULTILINE))
    assert set(files) == wanted
    assert set(files.values()) == set(re.findall(r"^LoadCredential=([\w-]+):", service, re.MULTILINE))
    pod = next(iter(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))))["spec"]["template"]["spec"]
    [worker] = pod["containers"]
    [mount] = worker["volumeMounts"]
    paths = {each["name"]: each["value"] for each in worker["env"] if each["name"].endswith("_FILE")}
    assert set(paths) == wanted
    assert all(path.startswith(f"{mount['mountPath']}/") for path in paths.values())
    assert not any("KEY" in each["name"] and not each["name"].endswith("_FILE") for each in worker["env"])


def test_the_pod_has_no_right_that_it_does_not_need() -> None:
    yaml = pytest.importorskip("yaml")
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
    assert [each["kind"] for each in documents] == ["Deployment", "PodDisruptionBudget", "NetworkPolicy"]
    spec = documents[0]["spec"]
    pod = spec["template"]["spec"]
    [worker] = pod["containers"]
    labels = spec["template"]["metadata"]["labels"]
    for selector in (spec["selector"], documents[1]["spec"]["selector"], documents[2]["spec"]["podSelector"]):
        assert selector["matchLabels"].items() <= labels.items()
    assert worker["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert (
        f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == dict(instructions())["USER"]
    )
    assert pod["automountServiceAccountToken"] is False
    assert [worker[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")] == [
        {"path": "/healthz", "port": "metrics"},
        {"path": "/readyz", "port": "metrics"},
    ]
    [port] = worker["ports"]
    assert worker["args"][worker["args"].index("--listen") + 1] == f":{port['containerPort']}"
    assert pod["terminationGracePeriodSeconds"] > 30, "one call may take --timeout"


@pytest.mark.process
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "paycools-worker.service"
    text = (DEPLOY / "paycools-worker.service").read_text("utf-8")
    unit.write_text(text.replace("/opt/paycools/bin/paycools", "/bin/true"))  # it looks for the program
    done = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


# -- a worker, restricted ---------------------------------------------------------------------------------------------


def in_a_container(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        as_in_a_container(*COMMAND, *arguments),
        env=environment(**env),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


@pytest.fixture
def orders(open_folder: Path) -> Path:
    path = open_folder / "orders.csv"
    path.write_text("\n".join(",".join(line) for line in (HEADER, *rows(8))) + "\n")
    return path


@pytest.fixture
def settings(open_folder: Path, sandbox: tuple[str, dict[str, str]], key_pem: str) -> dict[str, str]:
    """As the manifests give them: secrets in files."""
    base_url, known = sandbox
    secrets = {
        "PAYCOOLS_PH_APP_ID": known["PAYCOOLS_PH_APP_ID"],
        "PAYCOOLS_PH_APP_NAME": known["PAYCOOLS_PH_APP_NAME"],
        "PAYCOOLS_PH_PRIVATE_KEY": key_pem,
    }
    for name, value in secrets.items():
        (open_folder / name).write_text(f"{value}\n")
    return {"PAYCOOLS_PH_BASE_URL": base_url, **{f"{name}_FILE": str(open_folder / name) for name in secrets}}


@RESTRICTED
@pytest.mark.postgres
def test_a_worker_pays_with_nothing_to_write_to_and_its_secrets_in_files(
    open_folder: Path, orders: Path, settings: dict[str, str], own_postgres: OwnPostgres
) -> None:
    ledger = open_folder / "ledger"
    ledger.write_text(own_postgres.url() + "\n")
    env = {**settings, "PAYCOOLS_LEDGER_FILE": str(ledger)}
    offered = in_a_container("payouts", "run", str(orders), "--yes", "--detach", **env)
    assert offered.returncode == 3, offered.stderr
    command = [":0" if word == ":9100" else word for word in command_of_the_container()]
    worker = subprocess.Popen(
        as_in_a_container(*COMMAND, *command), env=environment(**env), stderr=subprocess.PIPE, text=True
    )
    try:
        assert worker.stderr is not None
        url = json.loads(worker.stderr.readline())["text"].split()[2].rstrip(":").replace("0.0.0.0", "127.0.0.1")
        wait_for(lambda: _is_ready(url))
        wait_for(lambda: 'paycools_payouts{name="ledger",state="settled"} 8.0' in _get(f"{url}/metrics"), 60, 0.5)
        worker.terminate()
        _, told = worker.communicate(timeout=30)
    finally:
        worker.kill()
        worker.communicate()
    assert worker.returncode == 0
    lines = [json.loads(line) for line in told.splitlines()]
    assert sum(line.get("operation") == "ph.payout.create" for line in lines) == 8
    assert not [line for line in lines if line["level"] == "error"]
    assert "hush" not in told
    status = in_a_container("payouts", "status", **env)
    assert (status.returncode, "hush" in status.stdout) == (0, False), status.stderr
    assert "settled:        8" in status.stdout


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def _is_ready(url: str) -> bool:
    try:
        return bool(json.loads(_get(f"{url}/readyz"))["ready"])
    except OSError:
        return False


FILE, LEDGER = "ORDERS", "/ledger.db"
COMMANDS: list[tuple[int, tuple[str, ...]]] = [
    (0, ("--version",)),
    (0, ("endpoints",)),
    (0, ("balance",)),
    (0, ("keys", "check")),
    (2, ("keys", "new", "/key.pem")),
    (4, ("payouts", "check", FILE)),
    (4, ("payouts", "run", FILE, "--yes")),
    (4, ("payouts", "run", FILE, "--yes", "--sandbox", "--ledger", LEDGER)),
    (4, ("payouts", "run", FILE, "--yes", "--report", "/report")),
    (2, ("payouts", "resume", "--ledger", LEDGER)),
    (2, ("payouts", "status", "--ledger", LEDGER)),
    (2, ("payouts", "status", "--ledger", LEDGER, "--watch")),
    (2, ("payouts", "report", "--ledger", LEDGER)),
    (2, ("payouts", "batches", "--ledger", LEDGER)),
    (2, ("payouts", "withdraw", "--ledger", LEDGER, "--yes")),
    (2, ("payouts", "reconcile", "--ledger", LEDGER, "--date", "2026-01-05")),
    (2, ("payouts", "worker", "--ledger", "postgresql://127.0.0.1:1/x?nonsense=1", "--listen", "127.0.0.1:0")),
    (2, ("payouts", "prepare", "--ledger", "postgresql://127.0.0.1:1/x")),
    (2, ("callbacks", "verify", FILE)),
    (4, ("sandbox", "--port", "0", "--journal", "/journal.db")),
]


# one process that forks for each: a start of Python takes its time
DRIVER = """
import io, json, os, sys
import paycools_async.cli.app, paycools_async.batch.run.worker
from paycools_async.cli import main

done = []
for arguments in json.loads(sys.argv[1]):
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.close(ours)
        os.dup2(theirs, 1)
        os.dup2(theirs, 2)
        sys.argv = ["paycools", *arguments]
        try:
            main()
        finally:
            os._exit(sys.exc_info()[1].code if isinstance(sys.exc_info()[1], SystemExit) else 99)
    os.close(theirs)
    with open(ours) as said:
        told = said.read()
    done.append([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told])
print(json.dumps(done))
"""


@RESTRICTED
def test_nothing_to_write_to_is_one_line_and_no_traceback_in_every_command(
    orders: Path, settings: dict[str, str]
) -> None:
    given = [[str(orders) if each == FILE else each for each in arguments] for _, arguments in COMMANDS]
    command = as_in_a_container("-c", DRIVER, json.dumps(given))
    ended = subprocess.run(
        command,
        env=environment(**settings),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=200,
    )
    assert ended.returncode == 0, ended.stderr
    wrong: list[Any] = []
    for (code, arguments), (found, told) in zip(COMMANDS, json.loads(ended.stdout), strict=True):
        lines = [line for line in told.splitlines() if line.startswith("error: ")]
        if found != code or "Traceback" in told or len(lines) != (1 if code else 0):
            wrong.append((arguments, found, told[-600:]))
    assert wrong == []
