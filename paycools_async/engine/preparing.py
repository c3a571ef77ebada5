"""From a request to what will be signed: the path, the fields that the client fills in, the wire form. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

import attrs

from .. import converters
from ..config import ClientFields
from ..endpoint import Effect, Endpoint, Provenance, Purpose, Request, Wire
from ..errors import ConfigurationError, FieldError, InvalidRequest, WrongFamilyError
from ..families import Family
from ..in_doubt import order_id_of
from ..privacy.confidential import Unseen, without_frames
from ..times import Clock
from ..traits import purpose_of
from ..urls import path_fault
from ..wire.canonical import json_text
from ..wire.enveloped import EnvelopedMessage
from ..wire.flat import FlatMessage, SignedRequest
from .paths import fill_path, path_of

__all__ = ["Message", "Prepared", "Preparer"]

R = TypeVar("R")

_METHOD = re.compile("[A-Z]{1,16}")

Message = FlatMessage | EnvelopedMessage

_UNSERIALIZABLE = (TypeError, ValueError, RecursionError)
"""What `wire` raises for a float, bytes, a list in itself and the like."""


@attrs.frozen(kw_only=True)
class Prepared(Generic[R]):
    """A call in full, and not signed yet. It does not change: every attempt sends the same bytes."""

    endpoint: Endpoint
    message: Message = attrs.field(repr=False)
    fields: Mapping[str, Any] = attrs.field(repr=False)
    """What the request says, by its names on the wire; without what the client fills in."""
    request: Any = attrs.field(default=None, repr=False)
    """What errors give back to the caller: the request, or the fields of a call without a class."""

    @property
    def operation(self) -> str:
        """The endpoint's id, like "ph.payout.create"."""
        return self.endpoint.id

    @property
    def order_id(self) -> str | None:
        """The merchant's own id, where there is one."""
        return order_id_of(self.fields if self.request is None else self.request)

    @property
    @without_frames
    def text(self) -> bytes:
        """What is signed. Raises InvalidRequest where the fields hold what has no certain text."""
        try:
            return self.message.text
        except _UNSERIALIZABLE as error:
            raise _invalid(self.endpoint, error) from None

    @without_frames
    def signed(self, signature: bytes) -> SignedRequest:
        """The bytes to send, with the signature in place. Raises InvalidRequest."""
        try:
            return self.message.signed(signature)
        except _UNSERIALIZABLE as error:
            raise _invalid(self.endpoint, error) from None


@attrs.define(kw_only=True)
class Preparer:
    """Prepares the requests of one merchant."""

    family: Family
    merchant: ClientFields
    clock: Clock
    paths: Mapping[str, str]
    sign_path_parameters: bool = False
    timestamp_unit: Literal["ms", "s"] = "ms"
    _warned: set[str] = attrs.field(factory=set, init=False)

    @without_frames
    def request(self, request: Request[R]) -> Prepared[R]:
        """Pure but for the time stamp: the same request gives the same bytes. Raises what is wrong with it."""
        endpoint = getattr(request, "__endpoint__", None)
        if endpoint is None or endpoint.family != self.family.name:
            other = type(request).__name__
            raise WrongFamilyError(f"{other} is no request of the {self.family.name} API; nothing was sent")
        try:
            fields = converters.unstructure(request)
        except Exception as error:  # noqa: BLE001 - of whatever a caller has put into the request
            raise _invalid(endpoint, error) from None
        return Prepared(endpoint=endpoint, message=self._message(endpoint, fields), fields=fields, request=request)

    @without_frames
    def fields(self, endpoint: Endpoint, fields: Mapping[str, Any]) -> Prepared[Any]:
        """A call of an endpoint with these fields of its own, under their wire names."""
        return Prepared(endpoint=endpoint, message=self._message(endpoint, fields), fields=fields)

    @without_frames
    def call(
        self, method: str, path: str, fields: Unseen[Mapping[str, Any]], *, effect: Effect, purpose: Purpose | None
    ) -> Prepared[Any]:
        """A call without a class, to any path of the host. Raises ConfigurationError for what is no path or method."""
        if not isinstance(method, str) or _METHOD.fullmatch(method) is None:
            raise ConfigurationError("call: the method is GET, POST or another in capital letters; nothing was sent")
        fault = path_fault(path)
        if fault is not None:
            raise ConfigurationError(f"call: the path {fault}; nothing was sent")
        endpoint = Endpoint(
            id=f"{method} {path}",
            nav="",
            kind="request",
            method=method,
            path=path,
            provenance=Provenance.DOCUMENTED,
            family=self.family.name,
            request=dict,
            returns=Any,
            effect=effect,
            purpose=purpose or purpose_of(effect),
            success_codes=self.family.call_success_codes,
        )
        own = dict(fields.value)
        return Prepared(endpoint=endpoint, message=self._without_class(endpoint, own), fields=own, request=own)

    def _without_class(self, endpoint: Endpoint, fields: Mapping[str, Any]) -> Message:
        path = str(endpoint.path)
        if endpoint.wire is Wire.FLAT:
            filled = self.merchant.client_fields(self.family.call_client_fields)
            return FlatMessage(endpoint.method, path, {**filled, **fields})
        if endpoint.method != "POST":
            raise ConfigurationError("every call of the Global API is a POST; nothing was sent")
        filled = self._filled(self.family.call_client_fields)
        inside = {**fields, "timestamp": fields.get("timestamp", filled["timestamp"])}
        return EnvelopedMessage("POST", path, filled["appId"], _json(endpoint, inside))

    def _filled(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What the client fills in; a time inside `param` is a number, in the unit that was chosen."""
        filled = self.merchant.client_fields(names, now=self.clock.time())
        if "timestamp" in filled:
            filled["timestamp"] = int(filled["timestamp"]) // (1 if self.timestamp_unit == "ms" else 1000)
        return filled

    def path(self, endpoint: Endpoint) -> str:
        """The path that it is called by; one that is inferred is warned of, once."""
        return path_of(endpoint, self.paths, self._warned)

    def _message(self, endpoint: Endpoint, own: Mapping[str, Any]) -> Message:
        path = self.path(endpoint)
        in_path: dict[str, Any] = {}
        if "{" in path:
            path, in_path = fill_path(endpoint, path, own)
            own = {name: value for name, value in own.items() if name not in in_path}
        if endpoint.wire is Wire.FLAT:
            fields = self.merchant.client_fields(endpoint.client_fields, now=self.clock.time())
            fields.update(own)
            # path parameters stand in no parameter table, so by default they are not signed (inferred)
            return FlatMessage(endpoint.method, path, fields, in_path if self.sign_path_parameters else {})
        # outside stand appId, param and sign alone: the rest is filled in inside
        filled = self._filled(endpoint.client_fields)
        app_id = filled.pop("appId")
        param = _json(endpoint, {**own, **filled})
        if endpoint.wire is Wire.HYBRID:
            return FlatMessage(endpoint.method, path, {"appId": app_id, "param": param})
        return EnvelopedMessage(endpoint.method, path, app_id, param)


def _invalid(endpoint: Endpoint, error: Exception) -> InvalidRequest:
    return InvalidRequest(endpoint.id, [FieldError("fields", str(error))])


def _json(endpoint: Endpoint, fields: Mapping[str, Any]) -> str:
    try:
        return json_text(fields)
    except _UNSERIALIZABLE as error:
        raise _invalid(endpoint, error) from None
