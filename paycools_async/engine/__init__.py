"""One call, from request to result: prepared, attempted, explained."""

from .engine import Engine, Exchange

__all__ = ["Engine", "Exchange"]
