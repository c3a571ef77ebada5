"""`payouts status --watch`: each change once, until all is final."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.batch import STORES, Plan, WriteOrders, release_all
from support.killing import start, until_line
from support.sandbox import ask
from support.waiting import wait_for

from paycools_async.batch import Event, Ledger, LedgerError, PHPayouts, State, read_orders
from paycools_async.cli.payouts import watching
from paycools_async.testing import FakePayCools


class Lines:
    """What was shown, without the times."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.shown: list[str] = []

    def __call__(self) -> list[str]:
        for line in self._capsys.readouterr().out.splitlines():
            time, text = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+08:00)  (.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
            assert time
            self.shown.append(text)
        return self.shown

    async def until(self, count: int) -> str:
        async with asyncio.timeout(60):
            while len(self()) < count:
                await asyncio.sleep(0.001)
        return self.shown[count - 1]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lines:
    monkeypatch.setattr(watching, "EVERY", 0.001)
    return Lines(capsys)


@STORES
async def test_each_change_is_one_line_until_all_is_final(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, lines: Lines, fake: FakePayCools
) -> None:
    await plan(write_orders(2))
    watched = asyncio.create_task(watching.watch(ledger, ()))
    assert await lines.until(1) == "2 planned, PHP 1,000.20"
    first, second = await ledger.claim([State.PLANNED], 2, max_resends=0)
    first = await ledger.move(first, Event.SEND)
    assert await lines.until(2) == "1 planned, PHP 500.10; 1 sending, PHP 500.10"
    await asyncio.sleep(0.05)  # many looks, and nothing new
    assert len(lines()) == 2
    first = await ledger.move(first, Event.ACCEPTED)
    assert await lines.until(3) == "1 planned, PHP 500.10; 1 accepted, PHP 500.10"
    second = await ledger.move(second, Event.SEND)
    await ledger.move(first, Event.FOUND_COMPLETE)
    await ledger.move(second, Event.REJECTED)
    await asyncio.wait_for(watched, 60)
    assert "settled" not in lines()[-1] or "sending" in lines()[-1], "the end is for the status that follows"


async def test_a_batch_that_waits_for_a_yes_is_waited_for(
    ledger: Ledger, api: PHPayouts, write_orders: WriteOrders, lines: Lines
) -> None:
    await ledger.intake(read_orders(write_orders(2), api.request_class, api.currency), api.text_of)
    watched = asyncio.create_task(watching.watch(ledger, (1,)))
    assert await lines.until(1) == "2 offered, PHP 1,000.20"
    await release_all(ledger)
    assert await lines.until(2) == "2 planned, PHP 1,000.20"
    await ledger.withdraw(by="tests")
    await asyncio.wait_for(watched, 60)
    await asyncio.wait_for(watching.watch(ledger, ()), 60)
    assert len(lines()) == 2


async def test_a_ledger_that_is_away_is_told_once_and_looked_at_again(
    ledger: Ledger, plan: Plan, write_orders: WriteOrders, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plan(write_orders(1))
    watched = asyncio.create_task(watching.watch(ledger, ()))
    await lines.until(1)
    batches = ledger.batches

    async def away() -> Any:
        raise LedgerError("the ledger is away")

    monkeypatch.setattr(ledger, "batches", away)
    assert await lines.until(2) == "the ledger is away"
    await asyncio.sleep(0.02)
    monkeypatch.setattr(ledger, "batches", batches)
    assert await lines.until(3) == "1 planned, PHP 500.10"
    await ledger.withdraw(by="tests")
    await asyncio.wait_for(watched, 60)
    assert len(lines()) == 3


async def test_a_batch_that_is_not_there_is_an_error(ledger: Ledger, lines: Lines) -> None:
    with pytest.raises(LedgerError, match="no batch 7"):
        await asyncio.wait_for(watching.watch(ledger, (7,)), 60)


@pytest.mark.process
def test_beside_a_run_it_shows_the_run_and_ends_with_its_code(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 1.0}])
    file, ledger = write_orders(6), str(tmp_path / "l.db")
    run = start(env, "run", str(file), "--ledger", ledger, "--yes", "--concurrency", "2")
    wait_for(lambda: Path(ledger).exists() and ask(f"{base_url}/_sandbox/books")["payouts"] != [])
    run.send_signal(signal.SIGSTOP)  # it must not be over before it is looked at
    watch = start(env, "status", "--ledger", ledger, "--watch")
    told = until_line(watch, "20")
    run.send_signal(signal.SIGCONT)
    told += watch.communicate(timeout=60)[0]
    assert (run.wait(timeout=60), watch.returncode) == (0, 0), told
    assert run.stdout is not None
    run.stdout.close()
    changes = [line for line in told.splitlines() if re.match(r"\d{4}-\d\d-\d\d ", line)]
    assert len(changes) >= 2
    assert len({line.split("  ", 1)[1] for line in changes}) == len(changes)
    assert told.splitlines()[-1].split() == ["settled:", "6", "PHP", "3,000.60"]


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_as_the_table_of_exit_codes_says(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders, number: signal.Signals
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 20.0}])
    ledger = str(tmp_path / "l.db")
    run = start(env, "run", str(write_orders(1)), "--ledger", ledger, "--yes")
    try:
        wait_for(lambda: Path(ledger).exists() and ask(f"{base_url}/_sandbox/books") != {})
        watch = start(env, "status", "--ledger", ledger, "--watch")
        assert watch.stdout is not None
        first = watch.stdout.readline()
        watch.send_signal(number)
        told, _ = watch.communicate(timeout=60)
        assert watch.returncode == 2, first + told
        assert told.splitlines()[-1] == "stopped watching; nothing was changed"
    finally:
        run.kill()
        run.communicate()


@pytest.mark.process
def test_on_a_terminal_it_is_shown_in_place(
    tmp_path: Path, sandbox: tuple[str, dict[str, str]], write_orders: WriteOrders
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 1.0}])
    ledger = str(tmp_path / "l.db")
    run = start(env, "run", str(write_orders(4)), "--ledger", ledger, "--yes", "--concurrency", "2")
    wait_for(lambda: Path(ledger).exists() and ask(f"{base_url}/_sandbox/books")["payouts"] != [])
    run.send_signal(signal.SIGSTOP)  # it must not be over before it is looked at
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "paycools_async.cli", "payouts", "status", "--ledger", ledger, "--watch"]
    terminal = {**env, "TERM": "xterm", "COLUMNS": "120"}
    watch = subprocess.Popen(command, env=terminal, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL)
    os.close(theirs)
    told = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 65536):
            told += part
            run.send_signal(signal.SIGCONT)
    os.close(ours)
    assert (watch.wait(timeout=60), run.communicate(timeout=60) and run.returncode) == (0, 0)
    assert b"\x1b[2K" in told, "lines are written over"
    assert b"settled:        4" in told
