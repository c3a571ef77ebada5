"""What the fragments of code in README.md and docs take for granted: names that a page's text speaks of."""

from __future__ import annotations

from aiohttp import web

from paycools_async import AiohttpTransport, PayCoolsGlobal, PayCoolsPH
from paycools_async.testing import FakePayCools

__all__ = ["AiohttpTransport", "app", "fake", "paycools", "paycools_global", "payment_id"]

paycools: PayCoolsPH
paycools_global: PayCoolsGlobal
app: web.Application
fake: FakePayCools
payment_id: str
