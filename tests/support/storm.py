"""What a database goes through in life, and how often; processes that stand still longer than their leases.

PAYCOOLS_STORM=full is its real size. PAYCOOLS_STORM_ROWS: as many payouts.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from support.own_postgres import OwnPostgres

__all__ = ["ENDED", "FULL_STORM", "KILLED", "READ_ONLY", "RESTARTS", "STOPPED", "Frozen", "hits_on", "storm_rows"]

FULL_STORM = os.environ.get("PAYCOOLS_STORM") == "full"
RESTARTS, READ_ONLY, ENDED, KILLED, STOPPED = (10, 5, 20, 20, 20) if FULL_STORM else (2, 1, 2, 1, 1)
LONGER_THAN_A_LEASE = 6.0
"""Seconds; the leases of these tests are four."""

_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
    "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3"
)


def storm_rows(full: int, quick: int) -> int:
    """How many payouts there are."""
    return int(os.environ.get("PAYCOOLS_STORM_ROWS", "0")) or (full if FULL_STORM else quick)


def hits_on(server: OwnPostgres, dice: random.Random) -> list[Callable[[], object]]:
    """Restarts, fast and immediate; times without writes; ended connections, three at a time."""
    return [
        *[lambda: server.restart(signal.SIGINT, dice.uniform(0, 3))] * (RESTARTS // 2),
        *[lambda: server.restart(signal.SIGQUIT, dice.uniform(0, 3))] * (RESTARTS - RESTARTS // 2),
        *[lambda: _refuse_writes(server, dice.uniform(0.5, 2))] * READ_ONLY,
        *[lambda: server.execute(_OTHERS)] * ENDED,
    ]


def _refuse_writes(server: OwnPostgres, seconds: float) -> None:
    """As the former leader does, after a fail-over."""
    server.set("default_transaction_read_only", "on")
    time.sleep(seconds)
    server.set("default_transaction_read_only", "off")


class Frozen:
    """Processes that were stopped for longer than a lease, and go on."""

    def __init__(self) -> None:
        self._thawing: list[threading.Thread] = []

    def freeze(self, victim: subprocess.Popen[bytes]) -> None:
        victim.send_signal(signal.SIGSTOP)

        def thaw() -> None:
            time.sleep(LONGER_THAN_A_LEASE)
            victim.send_signal(signal.SIGCONT)

        thread = threading.Thread(target=thaw)
        thread.start()
        self._thawing.append(thread)

    def join(self) -> None:
        """Until all of them go on."""
        for thread in self._thawing:
            thread.join()
