"""Processes as a container runs them: another user, no capabilities, every file system read-only, no HOME.

It takes a mount namespace of its own, so root; where that cannot be had its tests skip.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

__all__ = ["NOBODY", "as_in_a_container", "environment", "open_folder"]

NOBODY = 65534
ROOT = Path(__file__).parent.parent.parent

# the interpreter may stand in a home that nobody else may enter: it is shown alone. Then all is made read-only
_SCRIPT = r"""
closed=$1 prefix=$2; shift 2
if [ -n "$closed" ]; then
    mount --bind "$prefix" /mnt
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    mkdir -p "$prefix"
    mount --move /mnt "$prefix"
fi
awk '{print $2}' /proc/self/mounts | grep -v -e '^/proc' -e '^/sys' -e '^/dev$' | sort -u | while read -r place; do
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done
cd /
exec setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
    env -u NOBODY "$@"
"""


def as_in_a_container(*arguments: str) -> list[str]:
    """The command that runs `python arguments...` like this. Skips the test where this machine does not let it."""
    if not all(shutil.which(tool) for tool in ("unshare", "setpriv", "mount")) or not _works():
        pytest.skip("needs unshare and setpriv, and the right to use them")
    return [*_unshared(), sys.executable, *arguments]


def environment(**more: str) -> dict[str, str]:
    """Nothing of this process's own: no HOME, no TMPDIR, no user."""
    known = {"PATH": "/usr/bin:/bin", "NOBODY": str(NOBODY), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**known, "PYTHONPATH": str(ROOT), **more}


def _unshared() -> list[str]:
    prefix = Path(sys.base_prefix).resolve()
    closed = next((str(each) for each in reversed(prefix.parents) if not each.stat().st_mode & 0o001), "")
    unshare = ["unshare", "--mount", "--propagation", "private"]
    return [*unshare, "sh", "-euc", _SCRIPT, "sh", closed, str(prefix)]


def _works() -> bool:
    probe = "import os; os.getuid() and not os.access('/tmp', os.W_OK) or exit(1)"
    command = [*_unshared(), sys.executable, "-c", probe]
    return subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may read; pytest's own are for one user."""
    folder = Path(mkdtemp(prefix="paycools-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
