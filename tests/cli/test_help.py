"""Every command explains itself, with an example, on a narrow screen too; bash and zsh complete what is typed."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer
from support.commands import COMMANDS
from typer import rich_utils
from typer.testing import CliRunner

from paycools_async.cli.app import app


def help_of(*words: str, columns: int = 80) -> str:
    with patch.object(rich_utils, "MAX_WIDTH", columns):  # which is read once, with the first help that is shown
        shown = CliRunner().invoke(app, words, env={"COLUMNS": str(columns)})
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def test_all_commands_are_met() -> None:
    assert {(), ("payouts",), ("payouts", "template"), ("payouts", "run"), ("keys", "new"), ("balance",)} <= set(
        COMMANDS
    )


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(("paycools", *words)))
def test_each_command_and_group_has_an_example(command: tuple[str, ...], columns: int) -> None:
    for option in ("--help", "-h"):
        shown = help_of(*command, option, columns=columns)
        assert f"Example: paycools {' '.join(command)}".rstrip() in " ".join(shown.split())
        assert max(map(len, shown.splitlines())) <= columns


def test_a_paragraph_is_broken_for_the_terminal_alone() -> None:
    """Its source has lines of its own."""
    for command in (("payouts", "worker"), ("callbacks", "verify"), ("sandbox",), ("doctor",)):
        shown = help_of(*command, "--help", columns=500)
        text = [line.strip() for line in shown.partition("╭")[0].splitlines() if line.strip()]
        assert all(line.endswith(".") for line in text[1:]), text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(("paycools", *words)))
def test_an_example_is_a_command_that_is_understood(command: tuple[str, ...]) -> None:
    """Its words are parsed, and nothing is run."""
    text = " ".join(help_of(*command, "--help", columns=200).split())
    example = re.split(r"; |\.$", text.partition("Example: paycools ")[2])[0]
    group: Any = typer.main.get_command(app)
    words = shlex.split(example)
    context = group.make_context("paycools", words[:1])
    while hasattr(group, "list_commands"):
        name, words = words[0], words[1:]
        group = group.get_command(context, name)
        leaf = not hasattr(group, "list_commands")
        context = group.make_context(name, words if leaf else words[:1], parent=context)
    assert context.command_path == " ".join(("paycools", *example.split()))[: len(context.command_path)]


def test_commands_are_listed_as_they_are_needed() -> None:
    shown = [line.split()[1] for line in help_of("payouts", "--help").splitlines() if re.match(r"\W [a-z]+  ", line)]
    assert shown[:4] == ["template", "columns", "check", "run"]
    assert set(shown) == {words[1] for words in COMMANDS if words[:1] == ("payouts",) and words[1:]}


def test_what_is_used_every_day_is_shown_first() -> None:
    shown = help_of("payouts", "run", "--help")
    first, *others = re.split(r"─ [A-Z][\w ]+ ─", shown)[2:]
    assert {"--ledger", "--sandbox", "--dry-run", "--yes", "--report"} <= set(first.split())
    assert "--recover" in others[-1].split()
    assert "--sandbox  <bool>" not in " ".join(first.split("   "))


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


# -- in the shells themselves -----------------------------------------------------------------------------------------

BEGINNINGS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
PREPARED = {"bash": "bind 'set bell-style none'", "zsh": "autoload -Uz compinit && compinit -u -D"}


class Shell:
    """A person at a shell's prompt, whose home is the folder."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        bin_ = folder / "bin"
        bin_.mkdir(exist_ok=True)
        (bin_ / "paycools").write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(PROGRAM)} "$@"\n'
        )
        (bin_ / "paycools").chmod(0o755)
        path = os.pathsep.join((str(bin_), os.environ["PATH"]))
        env = {**os.environ, "PATH": path, "HOME": str(folder), "PS1": "$ ", "TERM": "dumb", "COLUMNS": "200"}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        env.pop("ZDOTDIR", None)
        self._terminal, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=env, start_new_session=True
        )
        os.close(theirs)

    def type(self, text: str, until: str) -> str:
        """What is seen, once it has `until` in it."""
        os.write(self._terminal, text.encode())
        seen = ""
        while until not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x07|\x08", "", seen):
            assert select.select([self._terminal], [], [], 200)[0], seen
            seen += os.read(self._terminal, 4096).decode("utf-8", "replace")
        return seen

    def complete(self) -> None:
        """Commands and options; what is waited for is not in what was typed, which a terminal shows too."""
        self.type("paycools payouts templ\t", "template ")
        self.type("\x15paycools payouts run wages.csv --dry\t", "--dry-run ")
        self.type("\x15paycools payouts re\t\t", "reconcile")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@contextlib.contextmanager
def at(command: Sequence[str], folder: Path) -> Iterator[Shell]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    shell = Shell(command, folder)
    try:
        yield shell
    finally:
        shell.end()


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_shell_that_was_shown_the_completion_completes(name: str, tmp_path: Path) -> None:
    with at(BEGINNINGS[name], tmp_path) as shell:
        shell.type(f"{PREPARED[name]}; echo is''ready\n", "isready")
        shell.type('eval "$(paycools --show-completion)"; echo is"learnt"\n', "islearnt")
        shell.complete()


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_new_shell_completes_once_it_is_installed(name: str, tmp_path: Path) -> None:
    with at(BEGINNINGS[name], tmp_path) as shell:
        shell.type('paycools --install-completion; echo is"installed"\n', "isinstalled")
    with at((name, "-i"), tmp_path) as shell:
        first_tab = "_paycools >/dev/null 2>&1; " if name == "zsh" else ""  # it loads what typer has installed
        shell.type(f"{first_tab}echo is''ready\n", "isready")
        shell.complete()
