"""After the yes: what was released is sent and followed to its end."""

from __future__ import annotations

import attrs

from ...policy import Pacing
from ..ledger.base import Ledger
from ..run.meter import OnProgress, telling_progress
from ..run.options import Options, Summary
from ..run.payout_api import PayoutApi
from ..run.runner import Runner, run_with_one_error
from ..states import OPEN

__all__ = ["Sending"]


@attrs.frozen(kw_only=True)
class Sending:
    """How it is sent."""

    api: PayoutApi
    options: Options | None = None
    pace: Pacing | None = None
    progress: OnProgress | None = None

    async def send(self, view: Ledger) -> Summary:
        """Send what is released in this view of a ledger. Raises LedgerError; another call goes on then."""
        before = Summary(counts=await view.counts(), resent=await view.resent())
        if not before.rows(*OPEN):
            return attrs.evolve(before, stopped=await view.paused())
        await view.resume_sending()
        runner = Runner(self.api, view, self.options, pace=self.pace)
        async with telling_progress(runner, self.progress):
            return await run_with_one_error(runner)
