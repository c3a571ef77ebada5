"""What the doctor finds: each with a name that scripts can rely on, and a cure."""

from __future__ import annotations

import enum

import attrs

__all__ = ["Finding", "Level", "fault", "fine", "warning"]


class Level(enum.Enum):
    """How bad it is. Only a fault changes the exit code."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@attrs.frozen
class Finding:
    """One finding. `check`: what was looked at; `cure`: what a person does about it."""

    level: Level
    check: str
    text: str
    cure: str = ""


def fine(check: str, text: str) -> Finding:
    """Nothing is wrong."""
    return Finding(Level.OK, check, text)


def warning(check: str, text: str, cure: str) -> Finding:
    """It works, and a person should look at it."""
    return Finding(Level.WARNING, check, text, cure)


def fault(check: str, text: str, cure: str) -> Finding:
    """Payouts or callbacks cannot work like this, or not safely."""
    return Finding(Level.FAULT, check, text, cure)
