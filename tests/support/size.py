"""How much the long tests do: little by default, and with PAYCOOLS_TESTS=full all that the gate wants of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

__all__ = ["FULL", "full_only", "size", "some"]

T = TypeVar("T")

FULL = os.environ.get("PAYCOOLS_TESTS") == "full"
full_only = pytest.mark.skipif(not FULL, reason="takes too long for every day: .ci/run sets PAYCOOLS_TESTS=full")


def size(small: int, full: int, name: str = "") -> int:
    """How often, or how long. An environment variable of that name wins."""
    return int(os.environ.get(name) or (full if FULL else small))


def some(cases: Sequence[T], few: int) -> Sequence[T]:
    """A few of the cases, spread over all of them; in full, all."""
    return cases if FULL or len(cases) <= few else [cases[n * len(cases) // few] for n in range(few)]
