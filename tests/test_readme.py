"""The README is true: its commands are the ones that are run, and its example works."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import paycools_async

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def command(name: str) -> str:
    found = re.search(rf"<!-- command: {name} -->\n```sh\n(.+)\n```", README)
    assert found is not None
    return found[1]


@pytest.mark.process
def test_the_demo_command_names_files_and_options_that_exist() -> None:
    words = command("demo").split(".venv/bin/paycools ")[1].split()
    assert words[:2] == ["payouts", "run"]
    assert (ROOT / words[2]).is_file()
    shown = subprocess.run(
        [sys.executable, "-m", "paycools_async.cli", "payouts", "run", "--help"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    for option in [word for word in words if word.startswith("--")]:
        assert option in shown


def test_the_gate_runs_the_readmes_test_command() -> None:
    assert command("test").endswith("/pytest -n auto")
    assert "command: test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_gate_runs_every_tier_at_full_size() -> None:
    gate, sessions = (ROOT / ".ci" / "run").read_text("utf-8"), (ROOT / "noxfile.py").read_text("utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    assert "not postgres and not process" in settings["addopts"]
    assert [marker.partition(":")[0] for marker in settings["markers"]] == ["postgres", "process"]
    assert "PAYCOOLS_TESTS=full" in gate
    assert '"PAYCOOLS_TESTS": "full"' in sessions
    assert '-m "postgres or process"\n' in gate
    for tier in ("postgres", "process and not postgres"):
        assert f'"-m", "{tier}"' in sessions


def test_the_first_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "examples" / "pay_one.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"D\d+ COMPLETE\n", done.stdout)


def test_the_version_is_one() -> None:
    assert f'version = "{paycools_async.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")
