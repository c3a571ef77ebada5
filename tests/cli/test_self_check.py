"""A typer and a click that do not understand each other: nothing runs, and nobody believes that it did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import typer.core

from paycools_async.cli import main
from paycools_async.cli.app import app
from paycools_async.cli.self_check import parsing_fault


def test_what_is_installed_understands_the_command_line() -> None:
    assert parsing_fault(app) is None


def _every_flag_is_given(option: Any, *args: Any) -> Any:
    """As typer 0.12.5 and click 8.5 read it."""
    return (True, *_CONSUME(option, *args)[1:]) if option.is_flag else _CONSUME(option, *args)


def _no_value_arrives(option: Any, *args: Any) -> Any:
    return (None, *_CONSUME(option, *args)[1:])


def _breaks(option: Any, *args: Any) -> Any:
    raise TypeError("make_metavar() missing 1 required positional argument")


_CONSUME = typer.core.TyperOption.consume_value


@pytest.mark.parametrize("consume", [_every_flag_is_given, _no_value_arrives, _breaks])
def test_a_pairing_that_misreads_options_is_refused_before_any_command(
    consume: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(typer.core.TyperOption, "consume_value", consume)
    monkeypatch.setattr(sys, "argv", ["paycools", "payouts", "run", str(tmp_path / "f.csv"), "--yes", "--sandbox"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    assert line.startswith("error: the command line cannot start, nothing was sent: typer ")
    assert list(tmp_path.iterdir()) == []
