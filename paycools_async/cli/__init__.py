"""The command line, `paycools`. Needs the extra `cli`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; every expected error is one line and exit code 2."""
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print("paycools: the command line needs its extra: pip install 'paycools-async[cli]'", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    app()
