"""Pay a whole file, and nobody twice however often it is run. Runs against a fake PayCools, in memory:

python docs/examples/pay_file.py
"""

import asyncio
import tempfile
from pathlib import Path

from paycools_async import PayCoolsPH
from paycools_async.batch import Expected, Options, Proposal, RunProgress, State, pay_file
from paycools_async.money import format_major
from paycools_async.testing import FakePayCools

FILE = Path(__file__).with_name("payouts-500.csv")


async def ask(proposal: Proposal) -> bool:
    """A person's answer, say from a button in your back office. Only True is a yes."""
    amount = format_major(proposal.amount, proposal.destination.currency)
    print(f"{proposal.file}: {proposal.payouts} payouts, {amount}, to {proposal.destination.host}")
    return not proposal.warnings


def show(now: RunProgress) -> None:
    """Each second, and at the end."""
    if now.done == now.total:
        print(f"{now.done} of {now.total} done")


async def main(folder: Path) -> None:
    fake = FakePayCools()  # in production: PayCoolsPH.from_env(), and nothing below changes
    fake.payouts.settle_after = 0.1
    ledger = folder / "salaries.db"  # keep this file as you keep your books
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport()) as paycools:
        summary = await pay_file(
            paycools,
            FILE,
            ledger=ledger,
            approve=ask,
            by="ana@office",
            progress=show,
            options=Options(first_inquiry_after=0.2),
        )
        print(f"{summary.rows(State.SETTLED)} settled")
        # a job that nobody watches: what was counted beforehand is the yes, and anything else is none
        counted = Expected(payouts=500, amount=summary.amount(State.SETTLED))
        again = await pay_file(paycools, FILE, ledger=ledger, approve=counted, by="the payroll job")
        print(f"again: {again.rows(State.SETTLED)} settled")


with tempfile.TemporaryDirectory() as temporary:
    asyncio.run(main(Path(temporary)))
