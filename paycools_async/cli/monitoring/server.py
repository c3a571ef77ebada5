"""`--listen`: what a worker serves to those who watch it, over HTTP, without a word about a payout or a person.

/healthz: it is alive. /readyz: it can do its work. /metrics: for Prometheus.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ...batch.gauges import pause_reason
from ...errors import PayCoolsError
from ...texts import shown_text
from ..exit_codes import Broken

if TYPE_CHECKING:
    from ...batch.ledger.postgres.ledger import PostgresLedger
    from ...batch.run.worker import Worker
    from ...hooks import Observer
    from ...metrics import PrometheusMetrics

__all__ = ["WorkerServer"]

_WITHIN = 3.0
"""Seconds that the database has to answer a probe."""
_NAME = "ledger"


def _on_one_line(record: logging.LogRecord) -> bool:
    """Whoever sends what is no HTTP gets no traceback into the log."""
    kind = record.exc_info[0] if record.exc_info else None
    if kind is not None:
        record.msg, record.args = f"{shown_text(record.getMessage())} ({kind.__name__})", None
    record.exc_info = record.exc_text = None
    return True


_log = logging.getLogger("paycools.listen")
_log.addFilter(_on_one_line)


class WorkerServer:
    """Serves on the worker's own loop; what it reads of the ledger goes over two connections of its own.

    A count of many rows must keep waiting neither the payouts nor a probe.
    """

    def __init__(self, metrics: PrometheusMetrics, open_ledger: Callable[[], Awaitable[PostgresLedger]]) -> None:
        self._metrics = metrics
        self._open = open_ledger
        self._probed: PostgresLedger | None = None
        self._counted: PostgresLedger | None = None
        self._opening = asyncio.Lock()
        self._worker: Worker | None = None
        self._lease = 0.0

    @property
    def observers(self) -> tuple[Observer, ...]:
        """What the worker's client tells its calls to."""
        return (self._metrics,)

    def watch(self, worker: Worker, lease: float) -> None:
        """There is a worker now. `lease`: seconds after which the rows of one that does not renew are anybody's."""
        self._worker, self._lease = worker, lease

    def abort(self) -> None:
        """Probes that wait for the database end at once, and it is asked nothing more."""
        for ledger in (self._probed, self._counted):
            if ledger is not None:
                ledger.abort()

    @contextlib.asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[str]:
        """Listen while the body runs. Gives the URL. Raises Broken where the address cannot be had."""
        app = web.Application()
        app.add_routes(
            [web.get("/healthz", self._healthz), web.get("/readyz", self._readyz), web.get("/metrics", self._page)]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0, logger=_log)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host or None, port).start()
            except OSError as error:
                raise Broken(f"--listen {host}:{port}: {_why(error)}") from None
            bound = runner.addresses[0]
            shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            yield f"http://{shown}:{bound[1]}"
        finally:
            await runner.cleanup()
            await self._metrics.aclose()
            for ledger in (self._probed, self._counted):
                if ledger is not None:
                    await ledger.aclose()

    async def _healthz(self, request: web.Request) -> web.Response:
        """Whoever answers is alive."""
        return web.Response(text="alive\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        """Ready: the database answers, leases are renewed, and it is not stopping.

        A pause is told and is no reason to be unready: it is about the merchant, every worker has it, and a new version
        or a new key could never be rolled out while one lasts.
        """
        found: dict[str, Any] = {"ready": False, "database": False, "leases": True, "stopping": False, "paused": None}
        worker = self._worker
        if worker is not None:
            found["leases"] = worker.renewed_ago < self._lease
            found["stopping"] = worker.is_stopping
        with contextlib.suppress(PayCoolsError, TimeoutError):
            async with asyncio.timeout(_WITHIN):
                await self._look_in(found)
        found["ready"] = worker is not None and found["database"] and found["leases"] and not found["stopping"]
        return web.json_response(found, status=200 if found["ready"] else 503)

    async def _look_in(self, found: dict[str, Any]) -> None:
        async with self._opening:
            if self._probed is None:
                self._probed = await self._open()
        paused = await self._probed.paused()
        found["database"] = True
        found["paused"] = None if paused is None else pause_reason(paused).value

    async def _page(self, request: web.Request) -> web.Response:
        """What Prometheus reads; without the ledger's numbers as long as the database was never reached."""
        with contextlib.suppress(PayCoolsError, TimeoutError):
            async with asyncio.timeout(_WITHIN), self._opening:
                if self._counted is None:
                    self._counted = await self._open()
                    self._metrics.watch(self._counted, name=_NAME)
        page = await self._metrics.page()
        return web.Response(body=page.body, headers={"Content-Type": page.content_type})


def _why(error: OSError) -> str:
    """asyncio's own text names the address once more."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
