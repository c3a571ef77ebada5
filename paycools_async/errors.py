"""Every error of the SDK, and what each says about the money.

PayCoolsError                     .outcome tells whether money may have moved, .retryable whether to call again as it is
+-- ConfigurationError            wrong settings; nothing was sent
|   +-- InvalidKeyError           a key that cannot be used, and why
+-- InvalidRequest                field errors, all of them; nothing was sent
+-- WrongFamilyError              a request of one API given to the other's client
+-- EndpointUnpublishedError      the path is in no public document; supply it with paths=
+-- SigningError                  the signer failed; nothing was sent
+-- TransportError                the network failed; .outcome is NOT_SENT or UNKNOWN
|   +-- DeadlineExceeded          time ran out
|   +-- ClientClosed              the client was closed; nothing was sent
|   +-- WrongEventLoop            it belongs to another event loop or process; nothing was sent
+-- UnexpectedAnswer              an answer came that cannot be trusted
+-- OutcomeUnknown                money may have moved: inquire before doing anything else
|   +-- ListedWithoutId           a refund is listed without its id, and may be yours
+-- OrderConflict                 PayCools knows the order id with other content
+-- StillPending                  accepted, and not final within the time given
+-- FileError                     a file cannot be read or written as it is
+-- CallbackError                 refuse the callback (paycools_async.callbacks)
|   +-- MalformedCallback         the body is none that PayCools sends
|   +-- SignatureMismatch         not signed by PayCools, or changed on the way
+-- InboxError                    the callbacks' inbox cannot be used like this (paycools_async.callbacks)
+-- LedgerError                   a batch's ledger cannot be used like this (paycools_async.batch)
|   +-- LedgerInUse               another run owns it
|   +-- LedgerLockError           its lock cannot be opened, so nobody can say who owns it
|   +-- Changed                   what would be released is not what was shown
|   +-- NotReleased               nothing of a file was sent: nobody said yes to just that
|   +-- UnknownPayout             the application did not submit it, or not yet (paycools_async.durable)
|   +-- UnknownRefund             the same of a refund
|   +-- NotWritten                a submission that was certainly not written
|   +-- AlreadyAcknowledged       the application took note of it before
+-- ReportError                   PayCools' report cannot be read as it is (paycools_async.batch)
+-- StorageError                  a store's file cannot be used like this
|   +-- LockHeld                  somebody else owns it
|   +-- LockUnusable              nobody can say who owns it
|   +-- WorkCrashed               the thread that writes met what is no common error; what was asked is undone
+-- ApiError                      PayCools answered with an error .code and .message
    +-- AuthenticationError       app id or signature refused
    +-- IpNotAllowedError         this machine's address is not on the merchant's white list
    +-- MerchantUnavailable       the merchant or its institute is switched off
    +-- InsufficientBalance       top up first
    +-- LimitExceeded             the amount is beyond a limit
    +-- NotFound                  PayCools knows no such transaction
    +-- InvalidParameter          .field and .reason
    +-- ClockError                the request's time was refused: set this machine's clock
    +-- ChannelUnavailable        the channel is not open for this merchant
    |   +-- ChannelClosed         the merchant's channel is closed for now
    +-- AlreadyExists             such an account or code was made before
    +-- DuplicateOrder            the order or idempotency id was used before: an earlier attempt got through
    +-- RefundRefused             the refund rules say no
    +-- RateLimited               too many requests; nothing was done
    +-- TransientError            PayCools' side failed; try again later
"""

from __future__ import annotations

import enum
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, TypeVar

import attrs

__all__ = [
    "AlreadyExists",
    "ApiError",
    "AuthenticationError",
    "ChannelClosed",
    "ChannelUnavailable",
    "ClientClosed",
    "ClockError",
    "ConfigurationError",
    "DeadlineExceeded",
    "DoubtfulAccountWarning",
    "DuplicateOrder",
    "EndpointUnpublishedError",
    "FieldError",
    "FileError",
    "InsufficientBalance",
    "InvalidKeyError",
    "InvalidParameter",
    "InvalidRequest",
    "IpNotAllowedError",
    "LimitExceeded",
    "MerchantUnavailable",
    "NetworkCause",
    "NetworkReason",
    "NotFound",
    "OrderConflict",
    "Outcome",
    "OutcomeUnknown",
    "PayCoolsError",
    "RateLimited",
    "RefundRefused",
    "SigningError",
    "StillPending",
    "TransientError",
    "TransportError",
    "UnexpectedAnswer",
    "UnknownCodeWarning",
    "UnverifiedEndpointWarning",
    "WrongEventLoop",
    "WrongFamilyError",
]


def level_outside() -> int:
    """The stack level, for a warning of the function that asks, of the first line outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("paycools_async."):
        level, frame = level + 1, frame.f_back
    return level


def first_of(group: BaseExceptionGroup[Any]) -> BaseException:
    """The first error inside, however deep."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class Outcome(enum.StrEnum):
    """What became of a call, as far as this machine can prove it. A text: it prints, compares and travels as one."""

    NOT_SENT = "not_sent"
    """Proof: nothing left this machine. Safe to send again."""
    REJECTED = "rejected"
    """PayCools said no. Nothing moved."""
    ACCEPTED = "accepted"
    """PayCools took it."""
    DUPLICATE = "duplicate"
    """An earlier attempt with this id got through. Inquire; do not pay again."""
    UNKNOWN = "unknown"
    """Sent, and no trustworthy answer came. Inquire before anything else."""


class DoubtfulAccountWarning(UserWarning):
    """An account does not look like what it is said to be, and no page of PayCools says that it must. It is sent."""


class UnknownCodeWarning(UserWarning):
    """A code of a bank, a wallet or a channel is not among those known here. Given once per code and client."""


class UnverifiedEndpointWarning(UserWarning):
    """The endpoint's path is inferred from a twin; no public document shows it. Given once per endpoint."""


NetworkReason = Literal[
    "refused", "dns", "unreachable", "certificate", "tls", "proxy", "reset", "closed", "timeout", "no_files", "not_http"
]


@attrs.frozen
class NetworkCause:
    """What the network library met: the class of its error, and why where that is certain. Its text is left out."""

    error: str
    reason: NetworkReason | None = None

    def __str__(self) -> str:
        return self.error if self.reason is None else f"{self.error} ({self.reason})"


class PayCoolsError(Exception):
    """Base of all errors. `.outcome` says whether money may have moved.

    Every one survives pickle and copies with all that it says, and with the PayCoolsError that it came of.
    """

    outcome: Outcome = Outcome.NOT_SENT
    operation: str | None = None
    """The id of the call's endpoint, like "ph.payout.create"."""
    order_id: str | None = None
    """The merchant's own id, where the call has one."""
    attempts: int | None = None
    """How often the call was tried; None where no call was made."""
    status: int | None = None
    """The HTTP status of the last attempt's answer; None where none came."""
    answer: Mapping[str, Any] | None = None
    """PayCools' last answer, `code`, `message` and `data`: "***" stands for what may say something of a person."""
    cause: NetworkCause | None = None
    """What the network library met in the last attempt."""

    def __init__(self, message: str, *, outcome: Outcome | None = None) -> None:
        super().__init__(message)
        if outcome is not None:
            self.outcome = outcome

    @property
    def retryable(self) -> bool:
        """Whether the very same call may be made again, as it is and without looking first."""
        return False

    def with_context(self, **known: Any) -> Self:
        """A copy that has these attributes besides; text, cause, notes and traceback are the same."""
        made = _restored(type(self), self.args, {**self.__dict__, **known})
        made.__context__, made.__cause__ = self.__context__, self.__cause__
        made.__suppress_context__ = self.__suppress_context__
        return made.with_traceback(self.__traceback__)

    def __reduce__(self) -> tuple[Any, ...]:
        cause = self.__cause__ if isinstance(self.__cause__, PayCoolsError) else None  # others may not be picklable
        return _restored, (type(self), self.args, self.__dict__, cause)

    def __str__(self) -> str:
        call = " ".join(filter(None, (self.operation, self.order_id)))
        return f"{call}: {super().__str__()}" if call else super().__str__()


E = TypeVar("E", bound=PayCoolsError)


def _restored(
    kind: type[E], args: tuple[Any, ...], attributes: dict[str, Any], cause: PayCoolsError | None = None
) -> E:
    """The error again, without asking its constructor: some take more than the text."""
    made = kind.__new__(kind, *args)
    made.args = args
    made.__dict__.update(attributes)
    if cause is not None:
        made.__cause__ = cause
    return made


class ConfigurationError(PayCoolsError):
    """The client cannot be set up like this. Nothing was sent."""


class InvalidKeyError(ConfigurationError):
    """The key cannot be used; the message says what it is instead. The key itself is never shown."""


@attrs.frozen
class FieldError:
    """One thing wrong with one field: its name and the reason, without personal data."""

    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class InvalidRequest(PayCoolsError, ValueError):
    """The request breaks documented rules; `.errors` lists every one. Nothing was sent."""

    def __init__(self, request_name: str, errors: Sequence[FieldError]) -> None:
        self.request_name = request_name
        self.errors: tuple[FieldError, ...] = tuple(errors)
        super().__init__(f"{request_name}: " + "; ".join(map(str, self.errors)))


class WrongFamilyError(PayCoolsError, TypeError):
    """A request of one API was given to the other API's client. Nothing was sent."""


class EndpointUnpublishedError(PayCoolsError):
    """No public document gives this endpoint's path. Ask your account manager and pass it with `paths=`."""


class SigningError(PayCoolsError):
    """The signer failed, a key service for instance. Nothing was sent. What it raised is in `__cause__`."""


class FileError(PayCoolsError):
    """A file as a whole cannot be used: read, or written. The message names it and says why."""


class TransportError(PayCoolsError):
    """The network failed. `.outcome` is NOT_SENT with proof, else UNKNOWN; `.cause` says why, where that is known."""

    outcome = Outcome.UNKNOWN

    def __init__(self, message: str, *, outcome: Outcome | None = None, cause: NetworkCause | None = None) -> None:
        super().__init__(message, outcome=outcome)
        if cause is not None:
            self.cause = cause

    @property
    def retryable(self) -> bool:
        return self.outcome is Outcome.NOT_SENT


class DeadlineExceeded(TransportError):
    """The time allowed for the call ran out. `.outcome` says whether it had been sent."""


class ClientClosed(TransportError):
    """The client or its transport was closed before. Nothing was sent."""

    outcome = Outcome.NOT_SENT

    @property
    def retryable(self) -> bool:
        return False


class WrongEventLoop(TransportError):
    """What is needed belongs to another event loop or process; the message says what to do. Nothing was sent."""

    outcome = Outcome.NOT_SENT

    @property
    def retryable(self) -> bool:
        return False


class UnexpectedAnswer(PayCoolsError):
    """An answer came that cannot be trusted: not JSON, cut off, another HTTP status, fields missing.

    `.retry_after`: the seconds PayCools asked to wait, if it did.
    """

    outcome = Outcome.UNKNOWN

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status: int = status  # pyright: ignore[reportIncompatibleVariableOverride]  # here it is always known
        self.retry_after = retry_after


class OutcomeUnknown(PayCoolsError):
    """Money may have moved, and no trustworthy answer says so.

    Do not send it again under a new id. `await paycools.payouts.resolve(error.request)` inquires. The cause is in
    `__cause__`. No byte of the request was sent after `.sent_at`, a moment of the client's monotonic clock.
    Both are None where `find` raises it for an order that this client does not have in doubt.
    """

    outcome = Outcome.UNKNOWN

    def __init__(self, message: str, *, request: Any = None, sent_at: float | None = None) -> None:
        super().__init__(message)
        self.request = request
        self.sent_at = sent_at


class OrderConflict(PayCoolsError):
    """PayCools' answer and our order do not fit together. A human has to look.

    `.outcome` is DUPLICATE where PayCools knows our order id with other content, and UNKNOWN where it answered about
    another order, which says nothing of ours. `.request` is the order as it was given to `resolve`, or as this client
    sent it without an answer; None where the client knows its id only.
    """

    outcome = Outcome.DUPLICATE
    request: Any = None


class StillPending(PayCoolsError):
    """PayCools took the order and it was not final within the time given. Ask again later."""

    outcome = Outcome.ACCEPTED


class ApiError(PayCoolsError):
    """PayCools answered with an error code. `.code` is as received, `.message` fit to be shown, `.hint` our advice."""

    outcome: Outcome = Outcome.REJECTED
    hint: str = "see PayCools' message"
    retry_after: float | None = None
    """The seconds PayCools asked to wait, if it did."""

    def __init__(self, code: int, message: str, *, outcome: Outcome | None = None) -> None:
        self.code = code
        self.message = message
        super().__init__(self._text, outcome=outcome)

    @property
    def _text(self) -> str:
        return f"{self.code} {self.message} ({self.hint})"

    def with_context(self, **known: Any) -> Self:
        """As of every error; the text tells a new message or hint."""
        made = super().with_context(**known)
        Exception.__init__(made, made._text)
        return made

    def doubted(self) -> Self:
        """A copy that is no refusal, without the advice that goes with one."""
        return self.with_context(outcome=Outcome.UNKNOWN, hint="inquire by order id before sending again")

    def doubt(self) -> None:
        """Deprecated: take `doubted()`, which leaves this error as it is."""
        warnings.warn("ApiError.doubt() is replaced by doubted()", DeprecationWarning, stacklevel=2)
        self.__dict__.update(self.doubted().__dict__)
        Exception.__init__(self, self._text)


class AuthenticationError(ApiError):
    """The app id or the signature was refused."""

    hint = "check the app id, and that the public key of this private key is registered with PayCools"


class IpNotAllowedError(ApiError):
    """This machine's outbound address is not on the merchant's white list."""

    hint = "PayCools keeps the white list: ask your account manager to add this machine's outbound IP address"


class MerchantUnavailable(ApiError):
    """The merchant or its institute is switched off."""

    hint = "ask your PayCools account manager"


class InsufficientBalance(ApiError):
    """The merchant's balance is too low."""

    hint = "top up the balance, then send the same order again"


class LimitExceeded(ApiError):
    """The amount is beyond a limit of the channel or the merchant."""

    hint = "use a smaller amount, or ask PayCools for a higher limit"


class NotFound(ApiError):
    """PayCools knows no such transaction."""

    hint = "check the id; a fresh order may take a moment to appear"


class InvalidParameter(ApiError):
    """PayCools refused a parameter. `.field` and `.reason` are split from "field:constraint" where possible."""

    hint = "correct the field"

    def __init__(self, code: int, message: str, *, outcome: Outcome | None = None) -> None:
        field, colon, reason = message.partition(":")
        named = bool(colon) and field.strip().isidentifier()
        self.field: str | None = field.strip() if named else None
        self.reason: str = reason.strip() if named else message
        super().__init__(code, message, outcome=outcome)


class ClockError(ApiError):
    """PayCools refused the request's time."""

    hint = "set this machine's clock; the same order may be sent again"


class ChannelUnavailable(ApiError):
    """The channel is not open for this merchant, or closed for now."""

    hint = "use another channel, or try later"


class ChannelClosed(ChannelUnavailable):
    """The merchant's channel is closed for now, whatever the order."""

    hint = "wait until PayCools opens the channel; the same order may be sent again"


class AlreadyExists(ApiError):
    """The virtual account or transfer account was created before."""

    hint = "use the existing one, or update it"


class DuplicateOrder(ApiError):
    """The order id or idempotency id was used before: an earlier attempt got through."""

    outcome = Outcome.DUPLICATE
    hint = "inquire by order id; do not pay it again under another id"


class RefundRefused(ApiError):
    """PayCools' refund rules say no to this refund."""

    hint = "see PayCools' message"


class RateLimited(ApiError):
    """Too many requests. PayCools did nothing with this one."""

    hint = "slow down; the same order may be sent again"

    @property
    def retryable(self) -> bool:
        return self.outcome is not Outcome.UNKNOWN


class TransientError(ApiError):
    """PayCools' side failed. For a call that moves money the outcome is not known."""

    hint = "inquire by order id before sending again"

    @property
    def retryable(self) -> bool:
        return self.outcome is not Outcome.UNKNOWN
