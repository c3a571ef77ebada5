"""A PayCools of your own: stateful, in memory or over HTTP, with faults on demand. For tests and for trying things out.

fake = FakePayCools()
async with PayCoolsPH(fake.ph_credentials, transport=fake.transport()) as paycools:
    await paycools.payouts.create(...)
"""

from .clock import ManualClock
from .fake import FakePayCools
from .faults import Faults
from .keys import generate_private_key
from .sandbox import Sandbox

__all__ = ["FakePayCools", "Faults", "ManualClock", "Sandbox", "generate_private_key"]
