"""A PayCools of your own: stateful, in memory or over HTTP, with faults on demand. For tests and for trying things out.

fake = FakePayCools()
async with PayCoolsPH(fake.ph_credentials, transport=fake.transport()) as paycools:
    await paycools.payouts.create(...)
"""

from typing import TYPE_CHECKING

from ..lazy import lazily
from .clock import ManualClock
from .fake import FakePayCools
from .faults import Fault, Faults
from .keys import generate_private_key
from .server.merchant import Merchant, Refusal

if TYPE_CHECKING:
    from .delivery import Delivery
    from .sandbox import Sandbox
else:  # they bring a web server and a client along
    __getattr__, _ = lazily(__name__, names={"sandbox": ("Sandbox",), "delivery": ("Delivery",)})

__all__ = [
    "Delivery",
    "FakePayCools",
    "Fault",
    "Faults",
    "ManualClock",
    "Merchant",
    "Refusal",
    "Sandbox",
    "generate_private_key",
]
