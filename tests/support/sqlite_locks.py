"""What another process finds of SQLite's locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def locked_elsewhere(path: Path) -> bool:
    """Whether another process finds somebody's lock on the file."""
    text = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0); c.execute('PRAGMA journal_mode=DELETE');"
        "sys.exit(c.execute('PRAGMA journal_mode').fetchone()[0] == 'wal')"
    )
    done = subprocess.run([sys.executable, "-c", text, str(path)], capture_output=True, check=False)
    return done.returncode != 0
