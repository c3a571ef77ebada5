"""What a type checker knows: the type of each result, and the mistakes of each call."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import paycools_async

pytestmark = pytest.mark.process  # a type checker reads the whole package

CASES = Path(__file__).parent / "type_cases"
_PARENT = Path(paycools_async.__file__).parent.parent
SOURCE = [] if _PARENT.name == "site-packages" else [str(_PARENT)]
"""Where the package that the tests import is, unless a type checker finds it by itself: it is installed."""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typing")
    for name in ("good.py", "bad.py"):
        shutil.copy(CASES / name, folder)
    return folder


def wrong_lines() -> list[int]:
    return [
        number for number, line in enumerate((CASES / "bad.py").read_text("utf-8").splitlines(), 1) if "  # " in line
    ]


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy_knows_every_result_and_finds_every_mistake(cases: Path) -> None:
    (cases / "mypy.ini").write_text("[mypy]\nstrict = true\n", "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", "cache", "good.py", "bad.py"],
        cwd=cases,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "MYPYPATH": os.pathsep.join(SOURCE)},
    )
    found = re.findall(r"^(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", run.stdout, re.MULTILINE)
    assert [(file, int(line)) for file, line, _ in found] == [("bad.py", line) for line in wrong_lines()], run.stdout
    assert [code for *_, code in found] == [
        "call-arg",
        "arg-type",
        "call-arg",
        "call-arg",
        "attr-defined",
        "arg-type",
        "attr-defined",
        "misc",
        "arg-type",
        "arg-type",
        "call-arg",
        "arg-type",
        "call-arg",
        "arg-type",
        "call-arg",
        "arg-type",
        "call-arg",
        "arg-type",
        "call-arg",
        "arg-type",
    ]


@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_pyright_agrees(cases: Path) -> None:
    settings = {"include": ["good.py", "bad.py"], "typeCheckingMode": "standard", "extraPaths": SOURCE}
    (cases / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=cases,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    try:
        found = json.loads(run.stdout)["generalDiagnostics"]
    except (ValueError, KeyError):
        pytest.skip(f"pyright cannot run here (it needs node): {(run.stderr or run.stdout).strip()[-200:]}")
    errors = [each for each in found if each["severity"] == "error"]
    places = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}
    assert places == {("bad.py", line) for line in wrong_lines()}, errors
