"""The loop that the command line runs on."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings

import pytest
import typer

from paycools_async.cli import console, main


def test_on_windows_it_is_one_that_psycopg_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert console._loop_factory() is asyncio.SelectorEventLoop


def test_garbage_is_looked_for_while_a_command_runs() -> None:
    """It is not while modules are imported."""
    seen: list[bool] = []

    async def command() -> int:
        seen.append(gc.isenabled())
        return 0

    gc.disable()
    try:
        with pytest.raises(typer.Exit):
            console.run_command(command)
    finally:
        gc.enable()
    assert seen == [True]


@pytest.mark.parametrize("arguments", [["payouts", "columns"], ["payouts", "--help"], ["nothing"]])
def test_however_the_command_line_ends_garbage_is_looked_for_again(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["paycools", *arguments])
    monkeypatch.setattr("paycools_async.cli.console.own_process", lambda: None)
    with warnings.catch_warnings(), pytest.raises(SystemExit):
        main()
    assert gc.isenabled()
