"""`--log-format`: what the library logs, a line a record, for people or for machines, and never a traceback."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import warnings

import pytest

from paycools_async.cli.console import echo, echo_error, styled
from paycools_async.cli.monitoring.logs import LogFormat, logging_as

CALLS = logging.getLogger("paycools_async")
OTHERS = logging.getLogger("procrastinate")


def say(*, stdout_too: bool, chosen: LogFormat | None) -> None:
    with logging_as(chosen, stdout_too=stdout_too):
        CALLS.info("a call\nof two lines", extra={"event": "call", "order_id": "PAY1", "duration": 0.5, "secret": "x"})
        CALLS.debug("too small")
        OTHERS.info("of no interest")
        try:
            raise ValueError("account 09171234567")
        except ValueError:
            OTHERS.exception("trouble")
        echo("a line for people")
        echo_error("error: a line about trouble")


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say(stdout_too=False, chosen=LogFormat.JSON)
    out, err = capsys.readouterr()
    assert out == "a line for people\n"
    found = [json.loads(line) for line in err.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", each.pop("time")) for each in found)
    call, trouble, line = found
    assert call.pop("text").startswith("a call")
    assert call == {
        "level": "info",
        "logger": "paycools_async",
        "event": "call",
        "order_id": "PAY1",
        "duration": 0.5,
    }
    assert trouble == {"level": "error", "logger": "procrastinate", "text": "trouble (ValueError)"}
    assert line == {"level": "error", "logger": "paycools", "text": "error: a line about trouble"}


def test_a_worker_says_everything_so(capsys: pytest.CaptureFixture[str]) -> None:
    say(stdout_too=True, chosen=LogFormat.JSON)
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["level"] for line in err.splitlines()] == ["info", "error", "info", "error"]


def test_no_colours_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_as(LogFormat.JSON, stdout_too=True):
        echo(f"{styled('SANDBOX', fg='green', bold=True)} at h")
        echo_error(f"{styled('UAT', fg='yellow')} at h")
    assert [json.loads(line)["text"] for line in capsys.readouterr().err.splitlines()] == ["SANDBOX at h", "UAT at h"]


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert styled("UAT", fg="yellow") != "UAT"
    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("UAT", fg="yellow") == "UAT"


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    say(stdout_too=True, chosen=LogFormat.TEXT)
    out, err = capsys.readouterr()
    assert out == "a line for people\n"
    lines = err.splitlines()
    assert [line.split(" ", 1)[1] for line in lines[:2]] == [
        lines[0].split(" ", 1)[1],
        "ERROR procrastinate: trouble (ValueError)",
    ]
    assert lines[0].split(" ", 1)[1].startswith("INFO paycools_async: a call")
    assert lines[2:] == ["error: a line about trouble"]
    assert "09171234567" not in err


def test_afterwards_all_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    before = (logging.getLogger().handlers[:], CALLS.level, warnings.showwarning)
    with logging_as(LogFormat.JSON, stdout_too=True), pytest.raises(RuntimeError), logging_as(LogFormat.TEXT):
        raise RuntimeError
    with logging_as(None):
        echo_error("as ever")
    assert (logging.getLogger().handlers, CALLS.level, warnings.showwarning) == before
    assert capsys.readouterr().err == "as ever\n"


def test_a_log_that_nobody_can_read_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Broken())
    say(stdout_too=True, chosen=LogFormat.JSON)
