"""Signed sample callbacks, to try a merchant's own handler with."""

from __future__ import annotations

import base64
import time
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import attrs

from ..endpoint import Endpoint
from ..enums import OpenEnum
from ..fields import wire_name
from ..registry import endpoints
from ..signing import PrivateKey, ph_callback_sign, signer_for
from ..times import MANILA
from ..wire.canonical import json_text

__all__ = ["find_event", "sample_fields", "sign_global", "sign_ph"]


def find_event(name: str) -> tuple[Endpoint, str | None]:
    """The event class and event name for an event name, a class name or an endpoint id. Raises LookupError.

    The Global API's countries share event names: there a class name or an id is needed to mean one of them.
    """
    known = [entry for entry in endpoints() if entry.kind == "callback"]
    for entry in known:
        names = entry.request.__event_names__
        if name in (entry.request.__name__, entry.id):
            return entry, (names[0] if names else None)
    for entry in known:
        if name in entry.request.__event_names__:
            return entry, name
    raise LookupError(f"no event is called {name!r}; `paycools endpoints` lists the callbacks")


def sample_fields(entry: Endpoint, event_name: str | None, now: float | None = None) -> dict[str, Any]:
    """Plausible fields for an event, under their wire names; the ids are new each second."""
    moment = time.time() if now is None else now
    failed = bool(event_name) and not str(event_name).endswith(".success")
    hints = get_type_hints(entry.request)
    fields = {}
    for field in attrs.fields(entry.request):
        if field.name == "raw" or (field.name.startswith("failed_") and not failed):
            continue
        value = event_name if field.name == "event_name" else _sample(field.name, hints[field.name], failed, moment)
        if value is not None:
            fields[wire_name(field)] = value
    return fields


_TEXTS = {
    "country_code": "PH",
    "currency": "PHP",
    "failed_message": "Transaction Destination Account Error",
    "mobile": "09170000001",
    "remark": "test callback",
}
_STATUSES = {
    "transaction_status": ("COMPLETE", "FAILED"),
    "refund_status": ("COMPLETE", "FAILED"),
    "token_status": ("ACTIVED", "INACTIVED"),
}


def _sample(name: str, hint: Any, failed: bool, moment: float) -> Any:
    kinds = set(get_args(hint)) - {types.NoneType} if get_args(hint) else {hint}
    if datetime in kinds:
        return datetime.fromtimestamp(moment, UTC).astimezone(MANILA).strftime("%Y-%m-%d %H:%M:%S")
    if name == "failed_code":
        return -10005
    if name in _STATUSES:
        return _STATUSES[name][failed]
    if int in kinds or Decimal in kinds:
        return 150000
    if any(isinstance(kind, type) and issubclass(kind, OpenEnum) for kind in kinds):
        return None  # which word would fit is not known here
    if str not in kinds:
        return None
    return _TEXTS.get(name) or f"TEST{int(moment)}"


def sign_ph(fields: Mapping[str, Any], secret: str) -> bytes:
    """The body of a PH callback."""
    return json_text({**fields, "sign": ph_callback_sign(fields, secret)}).encode("utf-8")


def sign_global(fields: Mapping[str, Any], platform_private_key: PrivateKey | str) -> bytes:
    """The body of a Global callback, signed with a key of your own that stands for PayCools'."""
    param = json_text(fields)
    signature = signer_for(platform_private_key).sign(param.encode("utf-8"))
    return json_text({"param": param, "sign": base64.b64encode(signature).decode("ascii")}).encode("utf-8")
