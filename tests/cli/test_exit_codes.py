"""A script can rely on the exit code, however a command ends, and nobody ever sees a traceback."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.batch import WriteOrders
from support.desk import Desk, desk_of
from support.killing import start, until_line
from support.sandbox import ask
from support.waiting import wait_for
from typer.testing import CliRunner

from paycools_async.batch import LedgerError, SQLiteLedger, intake
from paycools_async.batch.ledger.base import LedgerLockError
from paycools_async.cli import console, exit_codes, ledger_url
from paycools_async.cli.app import app
from paycools_async.cli.payouts.run import pay, sending
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools

COMMAND = [sys.executable, "-m", "paycools_async.cli"]
Sandbox = tuple[str, dict[str, str]]


@pytest.fixture
def desk(key: PrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return desk_of(FakePayCools(private_key=key), str(tmp_path / "l.db"), monkeypatch)


def booked(base_url: str) -> int:
    return len(ask(f"{base_url}/_sandbox/books")["payouts"])


def states(ledger: Path) -> list[tuple[str, int]]:
    connection = sqlite3.connect(ledger)
    try:
        return connection.execute("SELECT state, count(*) FROM payouts GROUP BY state ORDER BY state").fetchall()
    finally:
        connection.close()


def one_line(text: str) -> str:
    assert "Traceback" not in text, text
    [line] = [line for line in text.splitlines() if line.startswith("error: ")]
    return line


# -- 0 to 3 -----------------------------------------------------------------------------------------------------------


def test_0_all_settled(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(2), yes=True).code == 0
    assert desk.status().code == 0


def test_1_some_failed_and_nothing_else(desk: Desk, write_orders: WriteOrders) -> None:
    desk.fake.payouts.decide = lambda fields: ("FAILED", -10005, "no such account")
    assert desk.run(write_orders(2), yes=True).code == 1
    assert desk.status().code == 1


@pytest.mark.parametrize(
    "options", [{"yes": False}, {"yes": True, "expect_count": 3}, {"yes": True, "expect_total": "x"}, {"batch": [9]}]
)
def test_2_nothing_was_sent(desk: Desk, write_orders: WriteOrders, options: dict[str, Any]) -> None:
    orders = write_orders(2)
    if "batch" in options:
        assert desk.run(orders, offer=True).code == 3
        assert desk.resume(yes=True, **options).code == 2
    else:
        assert desk.run(orders, **options).code == 2
    assert desk.paid == []


@pytest.mark.process
@pytest.mark.parametrize("arguments", [("--absent-after", "0.5"), ("--resends", "-1"), ("--wait", "x"), ("--nothing",)])
def test_2_a_wrong_option(write_orders: WriteOrders, arguments: tuple[str, ...]) -> None:
    found = subprocess.run([*COMMAND, "payouts", "run", str(write_orders(1)), *arguments], capture_output=True)
    assert found.returncode == 2


def test_3_unresolved(desk: Desk, write_orders: WriteOrders) -> None:
    assert desk.run(write_orders(2), offer=True).code == 3
    assert desk.status().code == 3


def test_3_a_ledger_that_fails_after_the_yes_does_not_say_that_nothing_was_sent(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(SQLiteLedger, "end_run", full)
    done = desk.run(write_orders(2), yes=True)
    assert (done.code, len(desk.paid)) == (3, 2)
    assert "error: the disk is full. Go on with: paycools payouts resume --ledger" in done


# -- 4 ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["broken pipe", "full", "closed"])
def test_4_standard_output_that_cannot_be_written_and_nothing_is_sent(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path, how: str
) -> None:
    base_url, env = sandbox
    command = [*COMMAND, "payouts", "run", str(write_orders(2)), "--yes", "--ledger", str(tmp_path / "l.db")]
    scripts = {
        "broken pipe": 'exec 3> >(:); wait $!; "$@" >&3; echo $? >&2',  # the reader is gone before the first line
        "full": '"$@" > /dev/full; echo $? >&2',
        "closed": '"$@" >&-; echo $? >&2',
    }
    found = subprocess.run(["bash", "-c", scripts[how], "bash", *command], env=env, capture_output=True, text=True)
    assert found.stderr.splitlines()[-1] == "4", found.stderr
    assert "standard output" in one_line(found.stderr)
    assert booked(base_url) == 0
    assert states(tmp_path / "l.db") == [("withdrawn", 2)]


def test_4_a_reader_who_leaves_while_payouts_are_sent_and_they_are_paid_all_the_same(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 3.0, "only": "ph.payout.create"}])
    ledger = str(tmp_path / "l.db")
    command = [*COMMAND, "payouts", "run", str(write_orders(30)), "--yes", "--ledger", ledger]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    wait_for(lambda: "ph.payout.create" in ask(f"{base_url}/_sandbox/books")["requests"])
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 4, told
    assert "standard output" in one_line(told)
    assert "BrokenPipeError" not in told
    assert states(Path(ledger)) == [("settled", 30)]
    assert booked(base_url) == 30


@pytest.mark.process
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("endpoints",)])
def test_4_help_for_nobody(arguments: tuple[str, ...]) -> None:
    script = 'exec 3> >(:); wait $!; "$@" >&3; echo $? >&2'
    found = subprocess.run(["bash", "-c", script, "bash", *COMMAND, *arguments], capture_output=True, text=True)
    assert found.stderr.splitlines()[-1] == "4"
    assert "Traceback" not in found.stderr


def test_4_a_second_ctrl_c(sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 60.0, "only": "ph.payout.create"}])
    ledger = str(tmp_path / "l.db")
    process = start(env, "run", str(write_orders(5)), "--yes", "--ledger", ledger)
    wait_for(lambda: ask(f"{base_url}/_sandbox/books")["requests"].get("ph.payout.create") == 5)
    process.send_signal(signal.SIGINT)
    told = until_line(process, "stopping: ")
    process.send_signal(signal.SIGINT)
    told += process.communicate(timeout=20)[0]
    assert process.returncode == 4, told
    assert one_line(told) == "error: interrupted; what was sent is in the ledger"
    assert "goes on with: paycools payouts resume" in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_2_ctrl_c_before_the_question(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path, number: signal.Signals
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 60.0}])
    ledger = tmp_path / "l.db"
    process = start(env, "run", str(write_orders(5)), "--yes", "--ledger", str(ledger))
    wait_for(lambda: "ph.account.balance" in ask(f"{base_url}/_sandbox/books")["requests"])
    process.send_signal(number)
    told, _ = process.communicate(timeout=20)
    assert process.returncode == 2, told
    assert one_line(told) == "error: interrupted; nothing was sent"
    assert states(ledger) == [("withdrawn", 5)]


@pytest.mark.process
@pytest.mark.parametrize(
    "command", [["-m", "paycools_async.cli"], ["-c", "from paycools_async.cli import main; main()"]]
)
@pytest.mark.parametrize("module", ["typer", "asyncio"])
def test_2_ctrl_c_while_python_is_still_reading_modules(tmp_path: Path, command: list[str], module: str) -> None:
    """A module that interrupts as it is read stands for the moment."""
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), os.getcwd()))}
    found = subprocess.run([sys.executable, *command, "endpoints"], env=env, capture_output=True, text=True)
    assert found.returncode == 2, found.stderr
    assert found.stderr.splitlines() == ["error: interrupted; nothing was sent"]


@pytest.mark.parametrize(
    ("pays", "sent", "code", "told"),
    [
        (True, False, 2, "interrupted; nothing was sent"),
        (True, True, 4, "interrupted; what was sent is in the ledger"),
        (False, False, 2, "interrupted"),
    ],
)
def test_ctrl_c_outside_of_a_command_is_told_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pays: bool, sent: bool, code: int, told: str
) -> None:
    """While options are read, or after the command has ended: typer says nothing, and exits with 130."""
    monkeypatch.setattr(exit_codes, "_pays", pays)
    monkeypatch.setattr(exit_codes, "_may_have_sent", sent)
    assert console.exit_code_of(130) == code
    assert one_line(capsys.readouterr().err) == f"error: {told}"


def test_4_ctrl_c_after_the_yes_never_says_that_nothing_was_sent(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SQLiteLedger, "end_run", _raises(KeyboardInterrupt()))
    done = desk.run(write_orders(2), yes=True)
    assert (done.code, one_line(done.output)) == (4, "error: interrupted; what was sent is in the ledger")


def test_2_ctrl_c_while_a_yes_is_written_says_that_it_stays(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.run(write_orders(2), offer=True).code == 3
    release = SQLiteLedger.release

    async def interrupted(*arguments: Any, **options: Any) -> None:
        [command] = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        command.cancel()
        await asyncio.sleep(0.05)
        await release(*arguments, **options)

    monkeypatch.setattr(SQLiteLedger, "release", interrupted)
    done = desk.release(1, yes=True)
    assert (done.code, one_line(done.output)) == (2, "error: interrupted; nothing was sent")
    assert "batch 1 is released and stays so; go on with: paycools payouts resume" in done
    assert (set(desk.states().values()), desk.paid) == ({"planned"}, [])


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("check orders.csv", "interrupted"),
        ("status --ledger l.db", "interrupted"),
        ("resume --ledger l.db --sandbox", "interrupted; nothing was sent"),
    ],
)
def test_2_only_a_command_that_pays_speaks_of_what_was_sent(
    write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch, command: str, told: str
) -> None:
    monkeypatch.chdir(write_orders(1).parent)
    monkeypatch.setattr(intake, "check_file", _raises(KeyboardInterrupt()))
    monkeypatch.setattr(ledger_url, "open_ledger", _raises(KeyboardInterrupt()))
    done = CliRunner().invoke(app, ["payouts", *command.split()])
    assert (done.exit_code, done.stderr) == (2, f"error: {told}\n")


@pytest.mark.parametrize("stderr", ["closed", "broken pipe"])
def test_sigterm_stops_a_run_that_nobody_can_be_told_of(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path, stderr: str
) -> None:
    base_url, env = sandbox
    ask(f"{base_url}/_sandbox/faults", [{"kind": "delay", "rate": 1.0, "seconds": 0.3, "only": "ph.payout.create"}])
    ledger = tmp_path / "l.db"
    run_it = ["payouts", "run", str(write_orders(400)), "--yes", "--ledger", str(ledger), "--concurrency", "5"]
    if stderr == "closed":
        command = ["bash", "-c", 'exec "$@" 2>&-', "bash", *COMMAND, *run_it]
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    else:
        reading, writing = os.pipe()
        process = subprocess.Popen([*COMMAND, *run_it], env=env, stdout=subprocess.DEVNULL, stderr=writing)
        os.close(writing)
        os.close(reading)
    wait_for(lambda: booked(base_url) >= 5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 3
    assert booked(base_url) < 400
    assert "sending" not in dict(states(ledger)), "what was in flight was finished"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("end", ["signal", "end of input", "no"])
def test_2_whoever_leaves_at_the_question_has_not_said_yes(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path, end: str, number: signal.Signals
) -> None:
    if end != "signal" and number is not signal.SIGINT:
        return
    base_url, env = sandbox
    ledger = tmp_path / "l.db"
    ours, theirs = pty.openpty()
    command = [*COMMAND, "payouts", "run", str(write_orders(2)), "--ledger", str(ledger)]
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    screen = _read_until(ours, "[y/N]")
    assert "Send 2 payouts, PHP 1,000.20, to " in screen
    assert "\x1b[32m\x1b[1mSANDBOX" in screen, "in colour"
    time.sleep(0.2)
    if end == "signal":
        process.send_signal(number)
        if number is signal.SIGHUP:  # the kernel and the shell both tell
            time.sleep(0.01)
            process.send_signal(number)
    else:
        os.write(ours, b"\x04" if end == "end of input" else b"n\n")
    told = _read_until(ours, None)
    assert process.wait(60) == 2, told
    assert "nobody said yes; nothing was sent" in told
    assert "were taken back" in told
    assert "Traceback" not in told
    assert states(ledger) == [("withdrawn", 2)]
    assert booked(base_url) == 0
    os.close(ours)


def test_2_a_terminal_that_is_closed_at_the_question_takes_back_what_was_offered(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path
) -> None:
    base_url, env = sandbox
    ledger = tmp_path / "l.db"
    ours, theirs = pty.openpty()
    script = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", script, *COMMAND, "payouts", "run", str(write_orders(2)), "--ledger", str(ledger)]
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    assert "[y/N]" in _read_until(ours, "[y/N]")
    time.sleep(0.2)
    os.close(ours)
    assert process.wait(60) in (2, 4)
    assert states(ledger) == [("withdrawn", 2)]
    assert booked(base_url) == 0


@pytest.mark.parametrize("command", ["run", "release", "resume", "withdraw"])
def test_2_what_was_typed_before_the_question_is_no_answer_to_it(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path, command: str
) -> None:
    base_url, env = sandbox
    orders, ledger = str(write_orders(2)), str(tmp_path / "l.db")
    if command in ("release", "withdraw"):
        start(env, "run", orders, "--ledger", ledger, "--offer").communicate(timeout=60)
    elif command == "resume":
        ask(f"{base_url}/_sandbox/faults", [{"kind": "busy", "rate": 1.0, "code": 1003, "only": "ph.payout.create"}])
        start(env, "run", orders, "--ledger", ledger, "--yes").communicate(timeout=60)
        ask(f"{base_url}/_sandbox/faults", [])
    before = states(Path(ledger)) if command != "run" else [("withdrawn", 2)]
    more = {"run": [orders], "release": ["--batch", "1"]}.get(command, [])
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "payouts", command, *more, "--ledger", ledger],
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, b"y\ny\n")
    screen = _read_until(ours, "[y/N]")
    assert "[y/N]" in screen, screen
    time.sleep(0.3)
    assert process.poll() is None, "it waits for an answer"
    os.write(ours, b"n\n")
    told = _read_until(ours, None)
    assert process.wait(60) == 2, told
    assert "nobody said yes" in told
    assert states(Path(ledger)) == before
    assert booked(base_url) == 0
    os.close(ours)


def test_the_question_is_shown_on_the_terminal_when_standard_output_goes_elsewhere(
    sandbox: Sandbox, write_orders: WriteOrders, tmp_path: Path
) -> None:
    base_url, env = sandbox
    ours, theirs = pty.openpty()
    command = [*COMMAND, "payouts", "run", str(write_orders(2)), "--ledger", str(tmp_path / "l.db")]
    with (tmp_path / "out.txt").open("w") as out:
        process = subprocess.Popen(command, env=env, stdin=theirs, stdout=out, stderr=theirs, start_new_session=True)
    os.close(theirs)
    screen = _read_until(ours, "[y/N]")
    assert "Send 2 payouts, PHP 1,000.20, to " in screen
    assert "SANDBOX" in screen
    os.write(ours, b"y\n")
    _read_until(ours, None)
    assert process.wait(60) == 0
    assert booked(base_url) == 2
    assert "[y/N]" not in (tmp_path / "out.txt").read_text()
    os.close(ours)


def _read_until(terminal: int, text: str | None) -> str:
    """What a terminal shows, until a text, or its other end is gone."""
    found, end = "", time.monotonic() + 60
    while time.monotonic() < end and (text is None or text not in found):
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        found += piece.decode()
    return found


def test_4_a_report_that_cannot_be_written_is_told_before_anything_is_sent(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = desk.run(write_orders(2), yes=True, report=tmp_path / "file" / "out")
    assert (done.code, desk.paid) == (4, [])
    assert "Not a directory; nothing was sent" in one_line(done.output)
    (tmp_path / "out" / "payouts.csv").mkdir(parents=True)
    assert desk.run(write_orders(2), yes=True, report=tmp_path / "out").code == 4
    assert desk.paid == []


def test_4_a_report_that_cannot_be_written_after_paying_hides_nothing(
    desk: Desk, write_orders: WriteOrders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "out/payouts.csv")

    monkeypatch.setattr(sending, "write_report", full)
    done = desk.run(write_orders(2), yes=True, report=tmp_path / "out")
    assert (done.code, len(desk.paid)) == (4, 2)
    assert "settled:        2" in done
    assert "No space left on device; the payouts themselves are as told above" in one_line(done.output)


def _raises(error: BaseException) -> Callable[..., Any]:
    async def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyError("09171234567"), 4, "unexpected KeyError in test_exit_codes.py, line "),
        (ExceptionGroup("", [LedgerError("no"), ExceptionGroup("", [ValueError("x")])]), 4, "unexpected ValueError"),
        (ExceptionGroup("", [LedgerError("the ledger is gone")]), 3, "the ledger is gone"),
        (OSError(5, "Input/output error", "l.db"), 4, "l.db: Input/output error"),
        (BrokenPipeError(32, "Broken pipe"), 4, "Broken pipe"),
        (KeyboardInterrupt(), 2, "interrupted; nothing was sent"),
        (asyncio.CancelledError(), 2, "interrupted; nothing was sent"),
        (LedgerError("another run is using this ledger"), 2, "another run is using this ledger"),
    ],
)
def test_whatever_goes_wrong_is_one_line_without_account_data(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    monkeypatch.setattr(pay, "open_ledger", _raises(error))
    desk.expects_faults = True
    done = desk.run(write_orders(1), yes=True)
    assert done.code == code
    assert told in one_line(done.output)
    assert "0917" not in done


def test_4_a_lock_that_cannot_be_taken(desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay, "open_ledger", _raises(LedgerLockError("l.db.lock: cannot be opened")))
    done = desk.run(write_orders(1), yes=True)
    assert (done.code, one_line(done.output)) == (4, "error: l.db.lock: cannot be opened")


@pytest.mark.process
def test_4_a_dependency_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('made for another version')")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-c", "from paycools_async.cli import main; main()", "endpoints"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    told = "error: the command line cannot start, nothing was sent: ImportError: made for another version"
    assert done.stderr.splitlines() == [told]


@pytest.mark.process
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("option", ["--json", "--all"])
def test_a_signal_after_the_end_changes_no_exit_code(tmp_path: Path, number: str, option: str) -> None:
    """It comes as the output is flushed, after a JSON object is printed, and once more as Python ends."""
    program = (
        "import atexit, os, signal, sys\n"
        "from paycools_async.cli import console, main\n"
        f"send = lambda: os.kill(os.getpid(), signal.{number})\n"
        "flushed = console._flushed\n"
        "console._flushed = lambda code: (send(), flushed(code))[1]\n"
        "atexit.register(send)\n"
        "main()\n"
    )
    arguments = ["payouts", "template", str(tmp_path / "f.csv"), option]
    found = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert "f.csv" in found.stdout
    assert "interrupted" not in found.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_stopped_run_is_told_of_changes_nothing(
    desk: Desk, write_orders: WriteOrders, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    currency, sent = SQLiteLedger.currency, 0

    async def interrupted(self: SQLiteLedger) -> str:
        nonlocal sent
        if desk.paid:
            sent += 1
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
        return await currency(self)

    monkeypatch.setattr(SQLiteLedger, "currency", interrupted)
    done = desk.run(write_orders(2), yes=True)
    assert (done.code, sent) == (0, 1)
    assert "interrupted" not in done
