"""The products of the PH API, one file each, in the order of PayCools' navigation."""

# the order of these imports is the order of `paycools_async.endpoints()`
# ruff: noqa: I001, F403
from . import (
    account,
    payout,
    bills,
    qrcode,
    bank_transfer,
    web_payment,
    refund,
    checkout,
    direct_debit,
    ekyc,
    cpm,
    codes,
    standing,
)
from .account import *
from .payout import *
from .bills import *
from .qrcode import *
from .bank_transfer import *
from .web_payment import *
from .refund import *
from .checkout import *
from .direct_debit import *
from .ekyc import *
from .cpm import *
from .codes import *
from .standing import *

__all__: list[str] = []
__all__ += account.__all__
__all__ += payout.__all__
__all__ += bills.__all__
__all__ += qrcode.__all__
__all__ += bank_transfer.__all__
__all__ += web_payment.__all__
__all__ += refund.__all__
__all__ += checkout.__all__
__all__ += direct_debit.__all__
__all__ += ekyc.__all__
__all__ += cpm.__all__
__all__ += codes.__all__
__all__ += standing.__all__
