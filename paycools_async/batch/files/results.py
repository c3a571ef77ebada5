"""What is found in a file: orders, faults of rows, or a fault of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ...errors import FileError

__all__ = ["FileError", "Order", "RowError"]


@attrs.frozen
class RowError:
    """One fault: where it stands and what is wrong."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


@attrs.frozen
class Order:
    """A valid row. `beside`: the cells of the columns whose names begin with `_`; they are not sent."""

    line: int
    request: Any
    beside: Mapping[str, str] | None = attrs.field(default=None, repr=False)
