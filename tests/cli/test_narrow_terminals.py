"""On a narrow terminal lines end between words, commands stay whole, and elsewhere nothing is changed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.cells import cell_len

from paycools_async.cli.console import fitting

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals there", allow_module_level=True)

import pty
import termios

Terminal = Callable[[int], Any]
WARNING = "warning: wages.csv: line 2 pays to the account of the template's row: put the payee's there"
QUESTION = (
    "Send 1 payout, PHP 500.10, to \x1b[32m\x1b[1mSANDBOX\x1b[0m (127.0.0.1:43007) as merchant f90addc4861540ef9312?"
)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """`terminal(80)`: a stream to one of so many columns."""
    numbers: list[int] = []
    streams: list[Any] = []

    def open_one(columns: int) -> Any:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, columns))
        numbers.append(ours)
        streams.append(os.fdopen(theirs, "w", encoding="utf-8"))
        return streams[-1]

    yield open_one
    for stream in streams:
        stream.close()
    for number in numbers:
        os.close(number)


def seen(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def shown_width(line: str) -> int:
    """By another's count."""
    return cell_len(seen(line))


def test_a_long_line_ends_between_words(terminal: Terminal) -> None:
    assert fitting(WARNING, terminal(80)).split("\n") == [
        "warning: wages.csv: line 2 pays to the account of the template's row: put the",
        "  payee's there",
    ]
    assert fitting(WARNING, terminal(120)) == WARNING
    assert fitting(f"    {WARNING}", terminal(60)).split("\n")[1].startswith("      ")


@pytest.mark.parametrize("columns", range(40, 120, 7))
@pytest.mark.parametrize(
    "text", [WARNING, QUESTION, "  settled:        1                PHP 500.10", "x" * 200, "เงินเดือน " * 30]
)
def test_no_line_is_wider_and_no_word_is_lost(terminal: Terminal, text: str, columns: int) -> None:
    fitted = fitting(text, terminal(columns))
    assert fitted.split() == text.split()
    lines = fitted.split("\n")
    assert all(shown_width(line) <= columns or " " not in line.strip() for line in lines)


def test_what_follows_has_its_room(terminal: Terminal) -> None:
    """The answer to a question stands behind its last word."""
    for columns in range(40, 130):
        fitted = fitting(QUESTION, terminal(columns), room=9)
        assert len(seen(fitted).rpartition("\n")[2]) + 9 <= columns
        assert " ".join(fitted.split()) == QUESTION


def test_a_command_is_never_cut_in_two(terminal: Terminal) -> None:
    """`withdraw` without the end of its line would take back more than is meant."""
    told = "What was not sent can be taken back: paycools payouts withdraw --ledger wages.db --batch 4"
    assert fitting(told, terminal(60)) == told
    quoted = "There was more in it. Take it back with `paycools payouts withdraw --batch 4`, and run it again"
    assert fitting(quoted, terminal(60)).split("\n") == [
        "There was more in it. Take it back with",
        "  `paycools payouts withdraw --batch 4`, and run it again",
    ]
    assert fitting(quoted.replace("`,", ","), terminal(60)).count("\n") == 0, "nobody knows where it ends"


def test_wide_letters_and_marks_are_counted_as_they_are_shown(terminal: Terminal) -> None:
    assert fitting("漢" * 19 + " 漢字", terminal(40)) == "漢" * 19 + "\n  漢字"
    mark = "ก\N{THAI CHARACTER SARA I}" * 39
    assert fitting(f"{mark} ก", terminal(41)) == f"{mark} ก"


def test_elsewhere_nothing_is_changed(terminal: Terminal, tmp_path: Any) -> None:
    with (tmp_path / "file").open("w") as file:
        assert fitting(WARNING, file) == WARNING
    assert fitting(WARNING, terminal(0)) == WARNING, "one that does not say how wide it is"
    assert fitting(WARNING, None) == WARNING
