"""The command line's commands, walked from its root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from paycools_async.cli.app import app

__all__ = ["COMMANDS"]


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """All of them, and the groups that they stand in."""
    yield path
    with typer.Context(group) as context:
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            if hasattr(found, "list_commands"):
                yield from commands(found, *path, name)
            else:
                yield (*path, name)


COMMANDS: list[tuple[str, ...]] = list(commands(typer.main.get_command(app)))
"""The words of each command and of each group, the root's none first."""
