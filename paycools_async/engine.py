"""One call, from request to result. Generic: it knows no product.

    request -> fields -> text to sign -> signature -> [turn -> transport -> answer]* -> result or error

Everything that is sent is frozen before the first attempt; every attempt sends the same bytes.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar, cast
from urllib.parse import quote

import attrs

from . import converters
from .config import Merchant
from .endpoint import Effect, Endpoint, Provenance, Request, Wire
from .errors import (
    ApiError,
    ConfigurationError,
    DeadlineExceeded,
    EndpointUnpublishedError,
    FieldError,
    InvalidParameter,
    InvalidRequest,
    Outcome,
    OutcomeUnknown,
    PayCoolsError,
    RateLimited,
    TransientError,
    UnexpectedAnswer,
    UnverifiedEndpointWarning,
    WrongFamilyError,
)
from .policy import Deadline, Pace, Retry
from .signing.base import TimedSigner
from .times import Clock
from .transports.base import HttpRequest, HttpResponse, Transport
from .wire.answer import Answer, data_of, read_answer, retry_after
from .wire.canonical import json_text
from .wire.enveloped import EnvelopedMessage
from .wire.flat import FlatMessage, Sealed

__all__ = ["Engine", "Exchange", "Message"]

R = TypeVar("R")

Message = FlatMessage | EnvelopedMessage

_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept": "application/json"}


@attrs.frozen(kw_only=True)
class Exchange(Generic[R]):
    """A finished call: the typed `.result`, and how it came about. `.raw` is PayCools' whole JSON answer."""

    result: R
    raw: dict[str, Any] = attrs.field(repr=False)
    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    duration: float
    """Seconds from the call to the result, waits and retries included."""
    attempts: int


@attrs.define(kw_only=True)
class Engine:
    """Sends requests for one merchant over one transport."""

    family: Literal["ph", "global"]
    merchant: Merchant
    base_url: str
    transport: Transport
    signer: TimedSigner
    retry: Retry
    pace: Pace
    clock: Clock
    timeout: float
    user_agent: str
    paths: Mapping[str, str]
    sign_path_parameters: bool = False
    timestamp_unit: Literal["ms", "s"] = "ms"
    _warned: set[str] = attrs.field(factory=set, init=False)
    _headers: Mapping[str, str] = attrs.field(
        default=attrs.Factory(lambda self: {**_HEADERS, "User-Agent": self.user_agent}, takes_self=True), init=False
    )

    async def exchange(self, request: Request[R]) -> Exchange[R]:
        """Send a typed request. Raises what `errors` describes."""
        message = self.freeze(request)
        return await self.deliver(request.__endpoint__, message, lambda: request)

    async def deliver(
        self,
        endpoint: Endpoint,
        message: Message,
        ask: Callable[[], Request[R]],
        *,
        fresh: bool = False,
        not_after: float | None = None,
    ) -> Exchange[R]:
        """Send a message of an endpoint. Raises what `errors` describes; errors hold the request, and ask for it."""
        started = self.clock.monotonic()
        try:
            answer, data, response, attempts = await self._perform(endpoint, message)
            result = self._result(endpoint, data, response)
        except PayCoolsError as error:
            request = ask()
            _hide_personal_data(error, request)
            if endpoint.moves_or_creates and error.outcome is Outcome.UNKNOWN:
                raise OutcomeUnknown(
                    f"{type(request).__name__}: {error}. It may have got through: find out before anything is sent "
                    "again; .request holds what was sent",
                    request=request,
                ) from error
            raise
        return Exchange(
            result=cast(R, result),
            raw=answer.raw,
            status=response.status,
            headers=response.headers,
            duration=self.clock.monotonic() - started,
            attempts=attempts,
        )

    async def call(self, method: str, path: str, fields: Mapping[str, Any], *, effect: Effect) -> Any:
        """Send fields to any path, signed like the rest; returns the answer's `data`."""
        endpoint = Endpoint(
            id=f"{method} {path}",
            nav="",
            kind="request",
            method=method,
            path=path,
            provenance=Provenance.DOCUMENTED,
            family=self.family,
            request=dict,
            returns=Any,
            effect=effect,
            success_codes=frozenset({1, 1000}) if self.family == "ph" else frozenset({10000}),
        )
        message = self._without_class(endpoint, fields)
        try:
            _, data, _, _ = await self._perform(endpoint, message)
        except PayCoolsError as error:
            if endpoint.moves_or_creates and error.outcome is Outcome.UNKNOWN:
                raise OutcomeUnknown(f"{method} {path}: {error}. It may have got through") from error
            raise
        return data

    def _without_class(self, endpoint: Endpoint, fields: Mapping[str, Any]) -> Message:
        """The unsigned message of an endpoint without a class."""
        path = str(endpoint.path)
        if endpoint.wire is Wire.FLAT:
            return FlatMessage(endpoint.method, path, {**self.merchant.fills(("appName",)), **fields})
        if endpoint.method != "POST":
            raise ConfigurationError("every call of the Global API is a POST; nothing was sent")
        filled = self._filled(("timestamp",))
        inside = {**fields, "timestamp": fields.get("timestamp", filled["timestamp"])}
        return EnvelopedMessage("POST", path, filled["appId"], _json(endpoint, inside))

    def _filled(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What the client fills in; a time inside `param` is a number, in the unit that was chosen."""
        filled = self.merchant.fills(names, now=self.clock.time())
        if "timestamp" in filled:
            filled["timestamp"] = int(filled["timestamp"]) // (1 if self.timestamp_unit == "ms" else 1000)
        return filled

    def freeze(self, request: Request[Any]) -> Message:
        """The request's unsigned message. Pure but for the time stamp; the same request gives the same bytes."""
        endpoint = getattr(request, "__endpoint__", None)
        if endpoint is None or endpoint.family != self.family:
            other = type(request).__name__
            raise WrongFamilyError(f"{other} is no request of the {self.family} API; nothing was sent")
        return self.message(endpoint, converters.unstructure(request))

    def message(self, endpoint: Endpoint, own: dict[str, Any]) -> Message:
        """The unsigned message of an endpoint with these fields of its own, under their wire names."""
        path = self._path(endpoint)
        in_path: dict[str, Any] = {}
        if "{" in path:
            path, in_path = _fill_path(endpoint, path, own)
        if endpoint.wire is Wire.FLAT:
            fields = self.merchant.fills(endpoint.fills, now=self.clock.time())
            fields.update(own)
            # path parameters stand in no parameter table, so by default they are not signed (inferred)
            return FlatMessage(endpoint.method, path, fields, in_path if self.sign_path_parameters else {})
        # outside stand appId, param and sign alone: the rest is filled in inside
        filled = self._filled(endpoint.fills)
        app_id = filled.pop("appId")
        param = _json(endpoint, {**own, **filled})
        if endpoint.wire is Wire.HYBRID:
            return FlatMessage(endpoint.method, path, {"appId": app_id, "param": param})
        return EnvelopedMessage(endpoint.method, path, app_id, param)

    def _path(self, endpoint: Endpoint) -> str:
        path = self.paths.get(endpoint.id, endpoint.path)
        if path is None:
            raise EndpointUnpublishedError(
                f"{endpoint.id} ({endpoint.nav}): its path is in no public document. Ask your PayCools account "
                f'manager for it and pass paths={{"{endpoint.id}": "/..."}} to the client; nothing was sent'
            )
        inferred = endpoint.provenance is Provenance.INFERRED and endpoint.id not in self.paths
        if inferred and endpoint.id not in self._warned:
            self._warned.add(endpoint.id)
            warnings.warn(
                f"{endpoint.id}: the path {path} is inferred, not documented; confirm it with PayCools, "
                "and override it with paths= if it differs",
                UnverifiedEndpointWarning,
                stacklevel=_level_outside(),
            )
        return path

    async def _perform(self, endpoint: Endpoint, message: Message) -> tuple[Answer, Any, HttpResponse, int]:
        deadline = Deadline(self.clock, self.timeout)
        try:
            text = message.text
        except _CANNOT_TRAVEL as error:
            raise _invalid(endpoint, error) from None
        signature = await self._sign(text, deadline)
        try:
            sealed = message.seal(signature)
        except _CANNOT_TRAVEL as error:
            raise _invalid(endpoint, error) from None
        attempt = 0
        while True:
            attempt += 1
            try:
                answer, data, response = await self._attempt(endpoint, sealed, deadline)
            except PayCoolsError as error:
                if not self.retry.may_repeat(error, reads=not endpoint.moves_or_creates, attempt=attempt):
                    raise
                pause = self.retry.pause(attempt)
                if pause >= deadline.remaining:
                    raise
                await self.clock.sleep(pause)
            else:
                return answer, data, response, attempt

    async def _sign(self, text: bytes, deadline: Deadline) -> bytes:
        try:
            return await self.signer.sign(text, deadline.remaining)
        except TimeoutError:
            raise DeadlineExceeded(
                "nothing was sent: no signature in the time allowed for the call", outcome=Outcome.NOT_SENT
            ) from None

    async def _attempt(
        self, endpoint: Endpoint, sealed: Sealed, deadline: Deadline
    ) -> tuple[Answer, Any, HttpResponse]:
        sent_at = await self.pace.wait_turn(deadline)
        response = await self.transport.send(
            HttpRequest(
                sealed.method,
                self.base_url + sealed.target,
                self._headers,
                sealed.body,
                deadline.remaining,
            )
        )
        try:
            answer = read_answer(response.status, response.headers, response.body)
            data = data_of(
                answer,
                response.status,
                response.headers,
                endpoint.success_codes,
                moves_money=endpoint.moves_or_creates,
                family=self.family,
            )
        except UnexpectedAnswer as error:
            if error.status in (429, 503):
                self.pace.busy(sent_at, error.retry_after)
            raise
        except RateLimited:
            self.pace.busy(sent_at, retry_after(response.headers))
            raise
        except TransientError as error:
            self.pace.busy(sent_at, retry_after(response.headers))
            if endpoint.moves_or_creates:
                error.outcome = Outcome.UNKNOWN  # "network failed": PayCools itself may not know
            raise
        except ApiError:
            self.pace.calm(sent_at)
            raise
        self.pace.calm(sent_at)
        return answer, data, response

    def _result(self, endpoint: Endpoint, data: Any, response: HttpResponse) -> Any:
        try:
            return converters.structure(data, endpoint.returns)
        except ValueError as error:
            raise UnexpectedAnswer(
                f"HTTP {response.status}: the answer says success, but {error}", status=response.status
            ) from None


def _level_outside() -> int:
    """The stack level, for a warning of the function that asks, of the first line outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(f"{__package__}."):
        level, frame = level + 1, frame.f_back
    return level


_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _fill_path(endpoint: Endpoint, path: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path with its values, which are taken out of the fields, and those values."""
    used = {name: fields.pop(name) for name in _PLACEHOLDER.findall(path) if name in fields}
    for name, value in used.items():
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    if "{" in path:
        raise ConfigurationError(f"paths: {endpoint.id} has no field for all of {path}; nothing was sent")
    return path, used


_CANNOT_TRAVEL = (TypeError, ValueError)
"""What `wire` raises for a float, bytes and the like."""


def _invalid(endpoint: Endpoint, error: Exception) -> InvalidRequest:
    return InvalidRequest(endpoint.id, [FieldError("fields", str(error))])


def _json(endpoint: Endpoint, fields: Mapping[str, Any]) -> str:
    try:
        return json_text(fields)
    except _CANNOT_TRAVEL as error:
        raise _invalid(endpoint, error) from None


def _hide_personal_data(error: PayCoolsError, request: Request[Any]) -> None:
    """PayCools' messages may repeat what was sent; account data does not enter errors, nor logs through them."""
    if not isinstance(error, ApiError):
        return
    for value in _personal_data(request):
        # a mobile may come back with its country's prefix, 639.. for 09..
        for secret in (value, value[1:]) if value.startswith("0") and len(value) > 8 else (value,):
            error.message = error.message.replace(secret, "***")
            error.args = (f"{error.code} {error.message} ({error.hint})",)  # made anew: the code stays whole
            if isinstance(error, InvalidParameter):
                error.reason = error.reason.replace(secret, "***")


def _personal_data(request: Any) -> Iterator[str]:
    """The texts of a request, and of the objects inside it, that say something of a person."""
    for field in attrs.fields(type(request)):
        value = getattr(request, field.name)
        if isinstance(value, str) and field.metadata.get("personal"):
            yield value
        elif attrs.has(type(value)):
            yield from _personal_data(value)
