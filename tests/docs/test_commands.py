"""Every command line in README.md and docs is a known one: command, options, number of arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
import typer
from support.doc_pages import PAGES, ROOT

from paycools_async.cli.app import app

FENCED = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(paycools [a-z][^`\n]*)`")
LINE = re.compile(r"^(?:\$ |\.venv/bin/)?(paycools (?:--|[a-z]).*)$", re.MULTILINE)


@attrs.frozen
class Line:
    page: str
    text: str

    @property
    def words(self) -> list[str]:
        """Without its comment, and without what stands for the user's own words."""
        text = re.split(r"\s{2,}|\s#|<TAB>| \.\.\.", self.text)[0]
        text = re.sub(r"\[(?!\d)([^\]]*)\]", lambda found: found[1].partition(" | ")[0], text)
        return shlex.split(text)[1:]


def lines() -> Iterator[Line]:
    for page in PAGES:
        text = page.read_text("utf-8")
        name = page.relative_to(ROOT).as_posix()
        for block in FENCED.findall(text):
            yield from (Line(name, line) for line in LINE.findall(block.replace("\\\n", " ")))
        yield from (Line(name, line) for line in INLINE.findall(FENCED.sub("", text)))


LINES = sorted(set(lines()), key=lambda line: (line.page, line.text))


def test_lines_are_found() -> None:
    assert len(LINES) > 60
    assert len({line.page for line in LINES}) > 12


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.page}: {line.text}"[:80])
def test_a_command_line_is_one_that_is_known(line: Line) -> None:
    if not line.text.endswith(("re<TAB><TAB>", "--dr<TAB>")):  # half a line, to be completed
        check(line)


@pytest.mark.parametrize(
    "text", ["payout run F", "payouts runn F", "payouts run F --nope", "--nope payouts run F", "payouts run F G"]
)
def test_what_is_not_known_is_noticed(text: str) -> None:
    with pytest.raises(AssertionError):
        check(Line("none", f"paycools {text}"))


def check(line: Line) -> None:
    command: Any = typer.main.get_command(app)
    words = line.words
    with typer.Context(command) as context:
        while hasattr(command, "get_command"):
            while words and words[0].startswith("--"):
                options = known_options(command)
                assert words[0] in options
                words = words[2:] if options[words[0]] else words[1:]
            if not words:
                return
            found = command.get_command(context, words[0])
            assert found is not None, f"there is no command {words[0]!r}"
            command, words = found, words[1:]
    options, given = known_options(command), 0
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            name, has_value, _ = word.partition("=")
            assert name in options
            if options[name] and not has_value and words and not words[0].startswith("--"):
                words.pop(0)
        else:
            given += 1
    most = sum(each.nargs if each.nargs > 0 else 99 for each in command.params if each.param_type_name == "argument")
    assert given <= most


def known_options(command: Any) -> dict[str, bool]:
    """Options, and whether a value follows."""
    found = {"--help": False, "-h": False, "--install-completion": False, "--show-completion": False}
    for each in command.params:
        if each.param_type_name == "option":
            found |= dict.fromkeys([*each.opts, *each.secondary_opts], not each.is_flag)
    return found
