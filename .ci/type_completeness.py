"""How much of the installed package's public interface has a type that every checker reads alike: 99 % at least."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LEAST = 0.99


def main() -> str | None:
    """None if it is enough; else what is missing."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # pyright asks the first python
    command = [sys.executable, "-m", "pyright", "--verifytypes", "paycools_async", "--ignoreexternal", "--outputjson"]
    with tempfile.TemporaryDirectory() as elsewhere:  # so that the package is the installed one
        run = subprocess.run(  # noqa: S603
            command, cwd=elsewhere, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    try:
        found = json.loads(run.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        return run.stderr or run.stdout
    score = found["completenessScore"]
    sys.stdout.write(f"type completeness: {score:.2%}\n")
    if score >= LEAST:
        return None
    return "\n".join(symbol["name"] for symbol in found["symbols"] if not symbol["isTypeKnown"])


if __name__ == "__main__":
    sys.exit(main())
