"""11. eKYC: proving who a customer is.

Nothing but the three names and their place in the navigation is public: no path, no field, no event name. The classes
here sign and send what PayCools tells you to send, and hand back what it answers as it came.
"""

from __future__ import annotations

from typing import Any, Final

from ..endpoint import Event, PHRequest, callback, endpoint
from ..fields import extra_fields
from ..product import Call, Product
from ..traits import CREATES, UNPUBLISHED

__all__ = ["EKYC", "EKYCNotification", "InitEKYC", "QueryEKYC"]


@endpoint("ph.ekyc.init", "POST", None, nav="11.1", effect=CREATES, provenance=UNPUBLISHED)
class InitEKYC(PHRequest[Any]):
    """Start an identity check (11.1). Unpublished: pass paths={"ph.ekyc.init": "/..."}, and the fields as `extra`.

    `appId` and `sign` are filled in; `appName` or a `timestamp`, if PayCools wants them, belong into `extra`. Returns
    the answer's `data` as it came.
    """

    extra: dict[str, Any] = extra_fields(factory=dict)


@endpoint("ph.ekyc.result", "POST", None, nav="11.2", provenance=UNPUBLISHED)
class QueryEKYC(PHRequest[Any]):
    """Check the result of an identity check (11.2). Unpublished: pass paths={"ph.ekyc.result": "/..."}; as 11.1."""

    extra: dict[str, Any] = extra_fields(factory=dict)


@callback("ph.ekyc.callback", nav="11.3", provenance=UNPUBLISHED)
class EKYCNotification(Event):
    """An identity check ended (11.3). Unpublished: neither event name nor fields are known, so read `.raw`.

    That it is flat JSON with an `eventName` and signed like the others is inferred from them.
    """

    event_name: str | None = None


class EKYC(Product):
    """Identity checks. Paths and fields are unpublished: see `paths=` and `extra`."""

    init: Final = Call(InitEKYC)
    result: Final = Call(QueryEKYC)
