"""OpenTelemetry: spans and metrics of the calls, and gauges of ledgers and inboxes (extra `otel`).

    paycools = PayCoolsPH.from_env(observers=[OpenTelemetry()])

Without providers of your own the global ones are used. docs/observability.md lists every span, metric and attribute.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

try:
    import opentelemetry.trace  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError('paycools_async.otel needs OpenTelemetry: pip install "paycools-async[otel]"') from error

if TYPE_CHECKING:
    from .calls import OpenTelemetry
    from .gauges import OpenTelemetryGauges
else:  # who watches calls alone does not wait for batches
    __getattr__, _ = lazily(__name__, names={"calls": ("OpenTelemetry",), "gauges": ("OpenTelemetryGauges",)})

__all__ = ["OpenTelemetry", "OpenTelemetryGauges"]
