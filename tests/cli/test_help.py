"""Every command explains itself, with an example, on a narrow screen too; bash and zsh complete what is typed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from paycools_async.cli.app import app


def commands(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    with typer.Context(group) as context:
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            if hasattr(found, "list_commands"):
                yield from commands(found, *path, name)
            else:
                yield (*path, name)


COMMANDS = list(commands(typer.main.get_command(app)))


def test_all_commands_are_met() -> None:
    assert {("payouts", "template"), ("payouts", "run"), ("keys", "new"), ("balance",)} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_has_an_example(command: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        shown = CliRunner().invoke(app, [*command, option], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
        assert shown.exit_code == 0
        text = " ".join(shown.stdout.split())
        assert f"Example: paycools {' '.join(command)}" in text
        assert max(map(len, shown.stdout.splitlines())) <= 80


PROGRAM = "import sys; sys.argv[0] = 'paycools'; from paycools_async.cli import main; main()"


@pytest.mark.process
@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"_PAYCOOLS_COMPLETE": "complete_bash", "COMP_WORDS": "paycools payouts te", "COMP_CWORD": "2"}, "template"),
        ({"_PAYCOOLS_COMPLETE": "complete_bash", "COMP_WORDS": "paycools pay", "COMP_CWORD": "1"}, "payouts"),
        (
            {"_PAYCOOLS_COMPLETE": "complete_bash", "COMP_WORDS": "paycools payouts run --dr", "COMP_CWORD": "3"},
            "--dry-run",
        ),
        (
            {"_PAYCOOLS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "paycools payouts te"},
            '_arguments \'*: :(("template":"Write a file with the right columns..."))\'',
        ),
    ],
)
def test_a_shell_completes_commands_and_options(variables: dict[str, str], found: str) -> None:
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert found.split(" columns", 1)[0] in done.stdout, done
    assert done.stderr == ""
