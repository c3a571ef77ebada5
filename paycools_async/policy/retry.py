"""What is tried again without asking, and after which pause. Pure decisions, no I/O."""

from __future__ import annotations

import random

import attrs

from ..errors import (
    ConfigurationError,
    Outcome,
    PayCoolsError,
    RateLimited,
    TransientError,
    TransportError,
    UnexpectedAnswer,
)

__all__ = ["Retry", "checked_retry"]


@attrs.frozen(kw_only=True)
class Retry:
    """At most `attempts` tries; pauses double from `first_pause` to `longest_pause` seconds, with jitter."""

    attempts: int = 4
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def may_repeat(self, error: PayCoolsError, *, reads: bool, attempt: int) -> bool:
        """Whether a call may be sent again after this error.

        Proof that nothing was sent: always. A call that moves money or creates: never otherwise.
        A read: on network trouble, on an answer that cannot be trusted, and on busy codes.
        """
        if attempt >= self.attempts:
            return False
        if error.outcome is Outcome.NOT_SENT:
            return error.retryable
        if not reads:
            return False
        if isinstance(error, UnexpectedAnswer):
            return error.status == 200 or error.status == 429 or error.status >= 500
        return isinstance(error, TransportError | RateLimited | TransientError)

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the attempt of this number (from 1)."""
        longest: float = min(self.longest_pause, self.first_pause * 2 ** (attempt - 1))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


def checked_retry(retry: Retry) -> Retry:
    """The rule, if it is one. Raises ConfigurationError."""
    if not isinstance(retry, Retry):
        raise ConfigurationError(f"retry: give it as Retry(attempts=...), not {type(retry).__name__}")
    return retry
