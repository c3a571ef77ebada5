"""Whether the installed typer and click understand the options of this command line.

Some pairings of their releases take every flag for given: each command then prints the version, exits 0 and has done
nothing, `payouts run --yes` included.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import typer

__all__ = ["parsing_fault"]

_CASES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("f.csv",), {"file": "f.csv", "yes": False, "sandbox": False, "ledger": None, "concurrency": 50}),
    (
        ("--yes", "--ledger", "l.db", "--concurrency", "7", "--ignore-column", "a", "--ignore-column", "b", "f.csv"),
        {"file": "f.csv", "yes": True, "ledger": "l.db", "concurrency": 7, "ignore_column": ["a", "b"]},
    ),
)
"""Arguments of `payouts run`, and what has to come of them."""


def parsing_fault(app: typer.Typer) -> str | None:
    """Why this command line must not be used with what is installed; None where it may."""
    try:
        root = typer.main.get_command(app)
        with contextlib.redirect_stdout(io.StringIO()):  # --version would speak
            understood = all(_understands(root, *case) for case in _CASES)
    except Exception:  # noqa: BLE001 - whatever two releases of others make of each other
        understood = False
    if understood:
        return None
    return (
        f"typer {_version('typer')} and click {_version('click')} do not understand each other here; "
        "pip install --upgrade typer click"
    )


def _understands(root: Any, arguments: tuple[str, ...], wanted: dict[str, Any]) -> bool:
    """Parses, and runs no command."""
    with root.make_context("paycools", ["payouts"]) as first:
        if any(first.params.values()):
            return False
        payouts = root.get_command(first, "payouts")
        with payouts.make_context("payouts", ["run"], parent=first) as second:
            run = payouts.get_command(second, "run")
            found = run.make_context("run", list(arguments), parent=second).params
    return all(_plain(found[name]) == value for name, value in wanted.items())


def _plain(value: Any) -> Any:
    """Releases differ in where a text becomes a path, and a tuple a list."""
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "(none)"
