"""A PayCools of your own: stateful, in memory or over HTTP, with faults on demand. For tests and for trying things out.

fake = FakePayCools()
async with PayCoolsPH(fake.ph_credentials, transport=fake.transport()) as paycools:
    await paycools.payouts.create(...)
"""

from typing import TYPE_CHECKING

from ..lazy import lazily
from .clock import ManualClock
from .fake import FakePayCools
from .faults import Faults
from .keys import generate_private_key

if TYPE_CHECKING:
    from .sandbox import Sandbox
else:  # it brings a web server along
    __getattr__, _ = lazily(__name__, names={"sandbox": ("Sandbox",)})

__all__ = ["FakePayCools", "Faults", "ManualClock", "Sandbox", "generate_private_key"]
