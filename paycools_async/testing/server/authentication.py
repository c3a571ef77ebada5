"""Who is asking, and is it well formed: signatures, the time, and the fields as the descriptors type them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import attrs

from ...endpoint import Endpoint
from ...fields import wire_name
from ...times import Clock
from ...transports.base import HttpRequest
from . import signatures as check
from .merchant import Merchant, Refusal

__all__ = ["CODES", "Authenticator", "understood"]

_ENVELOPE = {"appId", "appName", "timestamp", "sign"}
CODES = {"ph": {"parameter": 1009, "closed": 1011}, "global": {"parameter": 21002, "closed": 21005}}
"""How each API says "this parameter is wrong" and "this channel is closed"."""


@attrs.frozen
class Authenticator:
    """Lets signed requests of known merchants in."""

    merchants: Mapping[str, Merchant]
    clock: Clock

    def admit(self, endpoint: Endpoint, query: str, request: HttpRequest) -> tuple[Merchant, dict[str, Any]]:
        """The merchant whose signature the request bears, and what it says. Raises Refusal."""
        if endpoint.family == "global":
            return self._enveloped(request)
        return self._flat(endpoint, query, request)

    def _flat(self, endpoint: Endpoint, query: str, request: HttpRequest) -> tuple[Merchant, dict[str, Any]]:
        try:
            members = check.flat_members(request.method, query, request.body or b"")
        except (ValueError, IndexError):
            raise Refusal(1009, "the request is malformed") from None
        texts = {name: text for name, text, _ in members}
        if len(texts) != len(members):
            raise Refusal(1009, "a field is given twice")
        merchant = self.merchants.get(texts.get("appId", ""))
        if merchant is None or merchant.family != "ph":
            raise Refusal(1001, "merchant appid is invalid")
        if not merchant.verify(check.signed_text(members), texts.get("sign", "")):
            raise Refusal(1003, "request sign is invalid")
        filled = _param(texts) if endpoint.wire.value == "hybrid" else texts
        for name in endpoint.client_fields:
            if not filled.get(name):
                raise Refusal(1009, f"{name}:must not be null")
        if "appName" in endpoint.client_fields and filled["appName"] != merchant.app_name:
            raise Refusal(1009, "appName:is not registered")
        if "timestamp" in endpoint.client_fields and abs(int(filled["timestamp"]) / 1000 - self.clock.time()) > 120:
            raise Refusal(1009, "timestamp:is too old")
        return merchant, {
            name: text if is_text else json.loads(text) for name, text, is_text in members if name not in _ENVELOPE
        }

    def _enveloped(self, request: HttpRequest) -> tuple[Merchant, dict[str, Any]]:
        """`{appId, param, sign}`, where the text of `param` alone is signed."""
        try:
            app_id, param, sign = check.enveloped(request.body or b"")
        except (ValueError, IndexError):
            raise Refusal(21002, "Request param error") from None
        merchant = self.merchants.get(app_id)
        if merchant is None or merchant.family != "global":
            raise Refusal(21003, "Request appId error")
        if not merchant.verify(param, sign):
            raise Refusal(21001, "Request sign error")
        try:
            fields = json.loads(param, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise Refusal(21002, "Request param error") from None
        if not isinstance(fields, dict):
            raise Refusal(21002, "Request param error")
        self._check_time(fields.pop("timestamp", None))
        return merchant, fields

    def _check_time(self, given: Any) -> None:
        """Milliseconds or seconds, as a number or its text: PayCools' samples have all of them."""
        text = str(given)
        if isinstance(given, bool) or not (text.isascii() and text.isdecimal()):
            raise Refusal(21008, "Request timestamp error")
        moment = int(text) / 1000 if len(text) > 11 else int(text)
        if abs(moment - self.clock.time()) > 120:  # the window is in no document
            raise Refusal(21009, "Request timestamp error")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a field is given twice")
    return dict(pairs)


def _param(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a hybrid body: the JSON text in `param`."""
    try:
        param = json.loads(fields["param"])
    except (KeyError, ValueError):
        param = None
    if not isinstance(param, dict):
        raise Refusal(1009, "param:must be the text of a JSON object")
    return param


def understood(endpoint: Endpoint, fields: dict[str, Any]) -> dict[str, Any]:
    """The request's fields as the descriptor types them; refuses as PayCools does ("field:reason")."""
    if endpoint.wire.value == "hybrid":
        fields = _param(fields)
    understood = dict(fields)
    for field in attrs.fields(endpoint.request):
        rule, name = field.metadata.get("rule"), wire_name(field)
        if rule is None:
            continue
        value = fields.get(name)
        if value in (None, ""):
            if field.default is not None:
                raise Refusal(CODES[endpoint.family]["parameter"], f"{name}:must not be null")
            continue
        if rule.type is int and isinstance(value, str) and re.fullmatch(r"-?\d+", value, re.ASCII):
            understood[name] = value = int(value)  # a query string has texts only
        for reason in rule.broken_by(value):
            raise Refusal(CODES[endpoint.family]["parameter"], f"{name}:{reason}")
    return understood
