"""docs/networks.md: its programs run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.authority import Authority

from paycools_async import AiohttpTransport

PAGE = (Path(__file__).parents[2] / "docs" / "networks.md").read_text("utf-8")
PROGRAMS = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)


@pytest.mark.process
def test_the_first_program_pays_in_three_loops() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", PROGRAMS[0]], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert re.fullmatch(r"(D\d+\n){3}", done.stdout)


def test_the_transports_can_be_made(authority: Authority) -> None:
    for program in PROGRAMS[1:]:
        known = {"AiohttpTransport": AiohttpTransport}
        exec(program.replace("/etc/ssl/company-ca.pem", str(authority.file)), known)
