"""One call, from request to result. Generic: it knows no product.

    request -> fields -> text to sign -> signature -> [turn -> transport -> answer]* -> result or error

Everything that is sent is frozen before the first attempt; every attempt sends the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

import attrs

from . import converters
from .call_errors import hide_personal_data, mismatch, name_call, unknown
from .config import Merchant
from .endpoint import Effect, Endpoint, Provenance, Purpose, Request, Wire
from .endpoint_path import fill_path, path_of
from .errors import (
    AlreadyExists,
    ApiError,
    ClientClosed,
    ConfigurationError,
    DeadlineExceeded,
    FieldError,
    InvalidRequest,
    OrderConflict,
    Outcome,
    PayCoolsError,
    RateLimited,
    SigningError,
    TransientError,
    TransportError,
    UnexpectedAnswer,
    WrongFamilyError,
)
from .families import Family
from .in_doubt import Doubts, order_id_of
from .policy import Deadline, Pace, Retry
from .signing.base import TimedSigner
from .times import Clock
from .traits import purpose_of
from .transports.base import Departure, HttpRequest, HttpResponse, Transport
from .wire.answer import Answer, data_of, read_answer, retry_after
from .wire.canonical import json_text
from .wire.enveloped import EnvelopedMessage
from .wire.flat import FlatMessage, SignedRequest

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
class _Progress:
    """What one call asks of its way to PayCools, and how far the last attempt came."""

    fresh: bool = False
    not_after: float | None = None
    departure: Departure | None = None

    @property
    def may_have_left(self) -> bool:
        return self.departure is not None and self.departure.may_have_left


@attrs.define(kw_only=True)
class Engine:
    """Sends requests for one merchant over one transport."""

    family: Family
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
    doubts: Doubts = attrs.field(default=attrs.Factory(lambda self: Doubts(self.clock), takes_self=True), init=False)
    _warned: set[str] = attrs.field(factory=set, init=False)
    _headers: Mapping[str, str] = attrs.field(
        default=attrs.Factory(lambda self: {**_HEADERS, "User-Agent": self.user_agent}, takes_self=True), init=False
    )

    async def exchange(self, request: Request[R], *, fresh: bool = False) -> Exchange[R]:
        """Send a typed request. Raises what `errors` describes."""
        message = self.freeze(request)
        endpoint = request.__endpoint__
        exchange: Exchange[R] = await self._guarded(
            endpoint, message, lambda: request, _Progress(fresh=fresh), remember=True, ours=request
        )
        return exchange

    async def deliver(
        self,
        endpoint: Endpoint,
        message: Message,
        ask: Callable[[], Request[R]],
        *,
        fresh: bool = False,
        not_after: float | None = None,
    ) -> Exchange[R]:
        """Send a message of an endpoint. Raises what `errors` describes; errors hold the request, and ask for it.

        A `fresh` one goes over a connection of its own. After `not_after`, a moment of the clock's monotonic time,
        nothing is sent any more: DeadlineExceeded, NOT_SENT. For callers who keep a record themselves: nothing is
        added to what the client has in doubt.
        """
        progress = _Progress(fresh=fresh, not_after=not_after)
        exchange: Exchange[R] = await self._guarded(endpoint, message, ask, progress)
        return exchange

    async def call(
        self, method: str, path: str, fields: Mapping[str, Any], *, effect: Effect, purpose: Purpose | None = None
    ) -> Any:
        """Send fields to any path, signed like the rest; returns the answer's `data`."""
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
        message = self._without_class(endpoint, fields)
        return (await self._guarded(endpoint, message, lambda: dict(fields), _Progress(), remember=True)).result

    async def _guarded(
        self,
        endpoint: Endpoint,
        message: Message,
        ask: Callable[[], Any],
        progress: _Progress,
        *,
        remember: bool = False,
        ours: Any = None,
    ) -> Exchange[Any]:
        """The call; what goes wrong leaves as a PayCoolsError that says what is known of the money."""
        started = self.clock.monotonic()
        try:
            answer, data, response, attempts = await self._perform(endpoint, message, progress)
            result = self._result(endpoint, data, response, ours)
        except asyncio.CancelledError as error:
            if endpoint.moves_or_creates and progress.may_have_left:
                self._note_doubt(error, endpoint, _asked(ask), remember=remember)
            raise
        except PayCoolsError as error:
            explained = self._explained(error, endpoint, _asked(ask), remember=remember)
            if explained is error:
                raise
            raise explained from error
        if remember and endpoint.moves_or_creates:
            self._note_success(endpoint, order_id_of(ask()))
        return Exchange(
            result=result,
            raw=answer.raw,
            status=response.status,
            headers=response.headers,
            duration=self.clock.monotonic() - started,
            attempts=attempts,
        )

    def _explained(self, error: PayCoolsError, endpoint: Endpoint, request: Any, *, remember: bool) -> PayCoolsError:
        order_id = order_id_of(request)
        hide_personal_data(error, request)
        name_call(error, endpoint.id, order_id)
        if not endpoint.moves_or_creates:
            return error
        if isinstance(error, ApiError) and self._says_nothing_of_an_earlier_one(error, endpoint, order_id):
            error.doubt()
        if error.outcome is not Outcome.UNKNOWN:
            if isinstance(error, AlreadyExists):
                self.doubts.settle(endpoint.id, order_id)
            elif remember and error.outcome is Outcome.DUPLICATE:
                self.doubts.answered_again(endpoint.id, order_id)
            return error
        if remember:
            self.doubts.add(endpoint.id, request)
        return unknown(error, endpoint.id, order_id, request, self.clock.monotonic())

    def _says_nothing_of_an_earlier_one(self, error: ApiError, endpoint: Endpoint, order_id: str | None) -> bool:
        """Whether the refusal is of an order that was sent before: that may be why, or has nothing to do with it."""
        if error.outcome is not Outcome.REJECTED or isinstance(error, AlreadyExists):
            return False
        return any((self.doubts.get(endpoint.id, order_id), self.doubts.again(endpoint.id, order_id)))

    def _note_success(self, endpoint: Endpoint, order_id: str | None) -> None:
        if endpoint.effect is Effect.CREATES:
            self.doubts.settle(endpoint.id, order_id)
        else:  # it says nothing of an earlier sending
            self.doubts.answered_again(endpoint.id, order_id)

    def _note_doubt(self, error: asyncio.CancelledError, endpoint: Endpoint, request: Any, *, remember: bool) -> None:
        order_id = order_id_of(request)
        error.add_note(
            f"{endpoint.id} {order_id or ''}".rstrip() + " was cancelled and may have got through: find out before "
            "anything is sent again"
        )
        if remember:
            self.doubts.add(endpoint.id, request)

    def _without_class(self, endpoint: Endpoint, fields: Mapping[str, Any]) -> Message:
        """The unsigned message of an endpoint without a class."""
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

    def freeze(self, request: Request[Any]) -> Message:
        """The request's unsigned message. Pure but for the time stamp; the same request gives the same bytes."""
        endpoint = getattr(request, "__endpoint__", None)
        if endpoint is None or endpoint.family != self.family.name:
            other = type(request).__name__
            raise WrongFamilyError(f"{other} is no request of the {self.family.name} API; nothing was sent")
        try:
            fields = converters.unstructure(request)
        except Exception as error:  # noqa: BLE001 - of whatever a caller has put into the request
            raise _invalid(endpoint, error) from None
        return self.message(endpoint, fields)

    def message(self, endpoint: Endpoint, own: dict[str, Any]) -> Message:
        """The unsigned message of an endpoint with these fields of its own, under their wire names."""
        path = path_of(endpoint, self.paths, self._warned)
        in_path: dict[str, Any] = {}
        if "{" in path:
            path, in_path = fill_path(endpoint, path, own)
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

    async def _perform(
        self, endpoint: Endpoint, message: Message, progress: _Progress
    ) -> tuple[Answer, Any, HttpResponse, int]:
        deadline = Deadline(self.clock, self.timeout, not_after=progress.not_after)
        try:
            text = message.text
        except _UNSERIALIZABLE as error:
            raise _invalid(endpoint, error) from None
        signature = await self._sign(text, deadline)
        try:
            signed = message.signed(signature)
        except _UNSERIALIZABLE as error:
            raise _invalid(endpoint, error) from None
        attempt = 0
        while True:
            attempt += 1
            try:
                answer, data, response = await self._attempt(endpoint, signed, deadline, progress)
            except PayCoolsError as error:
                if not self.retry.may_repeat(error, reads=not endpoint.moves_or_creates, attempt=attempt):
                    raise
                pause = self.retry.pause(attempt)
                if pause >= deadline.to_send:
                    raise
                progress.departure = None  # it is known that nothing is on its way, or it does not matter
                await self.clock.sleep(pause)
            else:
                return answer, data, response, attempt

    async def _sign(self, text: bytes, deadline: Deadline) -> bytes:
        deadline.check()
        try:
            signature = await self.signer.sign(text, deadline.to_send)
        except TimeoutError:
            raise DeadlineExceeded(
                "nothing was sent: no signature in the time allowed for the call", outcome=Outcome.NOT_SENT
            ) from None
        except ClientClosed:
            raise
        except Exception as error:
            raise SigningError(f"nothing was sent: the signer failed: {type(error).__name__}") from error
        if not isinstance(signature, bytes | bytearray):
            raise SigningError(f"nothing was sent: the signer returned {type(signature).__name__}, not bytes")
        return bytes(signature)

    async def _attempt(
        self, endpoint: Endpoint, signed: SignedRequest, deadline: Deadline, progress: _Progress
    ) -> tuple[Answer, Any, HttpResponse]:
        sent_at = await self.pace.wait_turn(deadline)
        deadline.check()
        progress.departure = Departure()
        response = await self._carry(
            HttpRequest(
                signed.method,
                self.base_url + signed.target,
                self._headers,
                signed.body,
                deadline.remaining,
                fresh=progress.fresh,
                expired=None if deadline.not_after is None else deadline.expired,
                departure=progress.departure,
            )
        )
        try:
            answer = read_answer(response.status, response.headers, response.body)
            data = data_of(answer, response.status, response.headers, endpoint)
        except UnexpectedAnswer as error:
            if error.status in (429, 503):
                self.pace.busy(sent_at, error.retry_after)
            raise
        except (RateLimited, TransientError):
            self.pace.busy(sent_at, retry_after(response.headers))
            raise
        except ApiError:
            self.pace.calm(sent_at)
            raise
        self.pace.calm(sent_at)
        return answer, data, response

    async def _carry(self, request: HttpRequest) -> HttpResponse:
        """The transport's answer; from a transport of the caller's own comes nothing but a TransportError either."""
        try:
            response = await self.transport.send(request)
            odd = _odd(response)
        except TransportError:
            raise
        except Exception as error:
            what = f"{type(error).__name__} from the transport; the request may have been sent"
            raise TransportError(what) from error
        if odd is not None:
            raise TransportError(f"{odd} from the transport; the request may have been sent")
        return response

    def _result(self, endpoint: Endpoint, data: Any, response: HttpResponse, ours: Any) -> Any:
        try:
            result = converters.structure(data, endpoint.returns)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is not what it should be
            raise UnexpectedAnswer(
                f"HTTP {response.status}: the answer says success, but {error}", status=response.status
            ) from None
        contradiction = mismatch(ours, result)
        if contradiction is None:
            return result
        if endpoint.moves_or_creates:
            raise UnexpectedAnswer(f"HTTP {response.status}: {contradiction}", status=response.status)
        raise OrderConflict(f"{contradiction}; nothing is known of ours", outcome=Outcome.UNKNOWN)


_UNSERIALIZABLE = (TypeError, ValueError, RecursionError)
"""What `wire` raises for a float, bytes, a list in itself and the like."""


def _odd(response: Any) -> str | None:
    """What is wrong with the types of a transport's answer, in words."""
    if not isinstance(response, HttpResponse):
        return f"{type(response).__name__}, which is no HttpResponse,"
    if not isinstance(response.status, int) or isinstance(response.status, bool):
        return f"a status that is {type(response.status).__name__}"
    if not isinstance(response.body, bytes):
        return f"a body that is {type(response.body).__name__}"
    if not isinstance(response.headers, Mapping):
        return f"headers that are {type(response.headers).__name__}"
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in response.headers.items()):
        return "headers that are no text"
    return None


def _asked(ask: Callable[[], Any]) -> Any:
    """The request; without it an error says less, and is no other error."""
    try:
        return ask()
    except Exception:  # noqa: BLE001
        return None


def _invalid(endpoint: Endpoint, error: Exception) -> InvalidRequest:
    return InvalidRequest(endpoint.id, [FieldError("fields", str(error))])


def _json(endpoint: Endpoint, fields: Mapping[str, Any]) -> str:
    try:
        return json_text(fields)
    except _UNSERIALIZABLE as error:
        raise _invalid(endpoint, error) from None
