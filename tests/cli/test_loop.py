"""The loop that the command line runs on."""

from __future__ import annotations

import asyncio
import sys

import pytest

from paycools_async.cli import console


def test_on_windows_it_is_one_that_psycopg_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert console._loop_factory() is asyncio.SelectorEventLoop
