"""Prometheus: the metrics of clients, ledgers and inboxes, as `payouts worker --listen` serves them (extra `metrics`).

    metrics = PrometheusMetrics()
    paycools = PayCoolsPH.from_env(observers=[metrics])
    metrics.watch(ledger, inbox)
    page = await metrics.page()  # page.body and page.content_type, for a handler of a web application

docs/observability.md lists every metric and label.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

try:
    import prometheus_client  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        'paycools_async.metrics needs prometheus-client: pip install "paycools-async[metrics]"', name=error.name
    ) from error

if TYPE_CHECKING:
    from .prometheus import MetricsPage, PrometheusMetrics
else:
    __getattr__, _ = lazily(__name__, names={"prometheus": ("MetricsPage", "PrometheusMetrics")})

__all__ = ["MetricsPage", "PrometheusMetrics"]
