"""Loops that end well or badly, threads, forks, cancellations and faults at random: nothing is left of them."""

from __future__ import annotations

import collections
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.kept_server import KeptServer, Trouble
from support.size import size
from support.soaking import Held, Soaked

import paycools_async

pytestmark = [pytest.mark.process, pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")]

SECONDS = size(5, 30, "PAYCOOLS_SOAK_SECONDS")
KINDS: list[Trouble] = ["not booked", "dropped", "reset", "late", "gateway", "garbage"]
TESTS = Path(__file__).parents[1]


def test_nothing_is_left_of_loops_threads_forks_and_faults(key_pem: str) -> None:
    """In Python's development mode, which tells of what was not closed. PAYCOOLS_SOAK_SECONDS=600 is the long run."""
    dice = random.Random(11)
    with KeptServer(trouble=lambda: dice.choice(KINDS) if dice.random() < 0.25 else "") as server:
        task = {"url": server.url, "key": key_pem, "seconds": SECONDS, "seed": 7}
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-m", "support.soaking"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=SECONDS + 600,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), _package()))},
        )
        assert server.all_closed()
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    soaked = Soaked(**{**found, "before": Held(**found["before"]), "after": Held(**found["after"])})
    sys.stdout.write(f"{soaked}\n{server.troubles}\n")

    assert soaked.after.threads <= soaked.before.threads
    assert soaked.after.files <= soaked.before.files
    assert soaked.after.objects < soaked.before.objects + 3000
    assert soaked.after.mib < soaked.before.mib * 1.1
    assert soaked.left == []
    assert set(server.troubles) == {"", *KINDS}
    assert soaked.ends["taken"] > soaked.steps
    paid = collections.Counter(server.orders)
    assert max(paid.values()) == 1, "nobody asked for one twice"
    assert len(paid) >= soaked.ends["taken"]


def _package() -> str:
    """Where the package that these tests import stands: the child is to import the same one."""
    return str(Path(paycools_async.__file__).parents[1])
