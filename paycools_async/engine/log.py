"""The log of the calls. What it says is decided in `telling`; docs/observability.md describes it."""

from __future__ import annotations

import logging

__all__ = ["log"]

log: logging.Logger = logging.getLogger("paycools_async")
