"""All metrics of a process, and the page that Prometheus reads."""

from __future__ import annotations

import asyncio
import logging
import time

import attrs
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ..batch.ledger.base import Ledger
from ..callbacks.inbox import CallbackInbox
from ..errors import ConfigurationError, PayCoolsError
from .calls import CallMetrics
from .stores import StoreGauges

__all__ = ["MetricsPage", "PrometheusMetrics"]

log: logging.Logger = logging.getLogger("paycools_async.metrics")


@attrs.frozen(kw_only=True)
class MetricsPage:
    """What a scrape is answered with."""

    body: bytes
    content_type: str


class PrometheusMetrics(CallMetrics):
    """Observes clients, and looks at ledgers and inboxes when Prometheus asks.

    Metrics go to this `registry`, by default one of their own; pass `prometheus_client.REGISTRY` to serve them with
    your others. Ledgers and inboxes are looked at once in `every` seconds at the most, and for no longer than `within`
    seconds each: what cannot be read has `paycools_store_up` 0, and its gauges stand as they were.

    Give `watch` a ledger that is opened for looking: a count of many rows keeps one that pays waiting.
    """

    def __init__(self, registry: CollectorRegistry | None = None, *, every: float = 5.0, within: float = 5.0) -> None:
        self.registry: CollectorRegistry = CollectorRegistry() if registry is None else registry
        super().__init__(self.registry)
        self._stores = StoreGauges(self.registry)
        self._sources: dict[str, list[Ledger | CallbackInbox]] = {}
        self._every = every
        self._within = within
        self._looked_at: float | None = None
        self._unreachable: set[str] = set()
        self._look: asyncio.Task[None] | None = None

    def watch(self, *sources: Ledger | CallbackInbox, name: str = "default") -> None:
        """Look at these too. `name` is a label: another one for each ledger; an inbox may share its ledger's.

        Raises ConfigurationError where there is a ledger, or an inbox, of that name.
        """
        known = self._sources.setdefault(name, [])
        for source in sources:
            if any(isinstance(each, CallbackInbox) is isinstance(source, CallbackInbox) for each in known):
                raise ConfigurationError(f"{name!r} is watched already; give another name")
            known.append(source)
        self._looked_at = None

    def unwatch(self, name: str = "default") -> None:
        """Look at nothing of that name any more, before it is closed."""
        self._sources.pop(name, None)

    async def refresh(self) -> None:
        """Look now. What cannot be read is logged, once until it can be read again."""
        for name, sources in list(self._sources.items()):
            try:
                for source in list(sources):
                    async with asyncio.timeout(self._within):
                        await self._stores.look(source, name)
            except (PayCoolsError, TimeoutError) as error:
                self._stores.unreachable(name)
                if name not in self._unreachable:
                    log.warning("the metrics of %s cannot be read for now: %s", name, type(error).__name__)
                self._unreachable.add(name)
            else:
                self._unreachable.discard(name)
        self._looked_at = time.monotonic()

    async def page(self) -> MetricsPage:
        """The page in Prometheus' text format, of a look that is no older than `every` seconds."""
        if self._looked_at is None or time.monotonic() - self._looked_at >= self._every:
            if self._look is None or self._look.done():
                self._look = asyncio.create_task(self.refresh())
            await asyncio.shield(self._look)  # several may ask at once, and one that goes away ends no other's
        return MetricsPage(body=generate_latest(self.registry), content_type=CONTENT_TYPE_LATEST)

    async def aclose(self) -> None:
        """End a look that is under way."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)
