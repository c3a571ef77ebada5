"""Keys, secrets and signed texts show themselves to nobody who does not ask.

Error trackers and rich tracebacks print the local variables of every frame that an error passed, debuggers print
`vars()`, caches and process pools pickle. So what is confidential lives in objects that say nothing, and the functions
in which it stands plainly let no frame of theirs out.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from typing import Any, Final, Generic, NoReturn, Self, TypeVar

__all__ = ["KeptHere", "Secret", "Unseen", "frames_of_others", "without_frames"]

T = TypeVar("T")

V = TypeVar("V", str, bytes)
F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=BaseException)


class KeptHere:
    """Base of what stays in this process: it is not pickled, and a copy of it is itself."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: Any) -> Self:
        return self

    def __reduce_ex__(self, _: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is confidential and not pickled: make it anew in the other process, "
            "from its environment"
        )


class Secret(KeptHere, Generic[V]):
    """A text, or bytes, that only `reveal()` shows. Two of the same are equal."""

    __slots__ = ("__value",)
    __value: Final[V]  # type: ignore[misc]  # given by the constructor alone

    def __init__(self, value: V) -> None:
        object.__setattr__(self, "_Secret__value", value)

    def __setattr__(self, name: str, _: Any) -> NoReturn:
        raise AttributeError(f"a secret's {name} cannot be set")

    def reveal(self) -> V:
        """The value. Use it where it stands; bind it to no name."""
        return self.__value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self.reveal()), _bytes(other.reveal()))

    def __hash__(self) -> int:
        return hash(self.__value)

    def __repr__(self) -> str:
        return "***"

    def __sizeof__(self) -> int:
        return 0  # its length is nobody's business either


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


class Unseen(Generic[T]):
    """Holds what may be of a person on its way through functions whose frames an error passes."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "***"


def without_frames(function: F) -> F:
    """Errors leave the function without the frames in which it works: only its caller's are seen."""

    @functools.wraps(function)
    def guarded(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except Exception as error:  # noqa: BLE001 - whatever it is, its frames stay here
            failure = error
        del given, named
        failure.__context__ = failure.__cause__ = None
        try:
            raise failure.with_traceback(None)
        finally:
            del failure  # or error and frame would hold each other

    return guarded  # type: ignore[return-value]


def frames_of_others(error: E) -> E:
    """The error without the frames of this package in front, whose locals hold what was to be signed.

    Those behind them are of the caller's own code, a signer for instance, which he needs to find his fault.
    """
    rest = error.__traceback__
    while rest is not None and str(rest.tb_frame.f_globals.get("__name__")).startswith("paycools_async."):
        rest = rest.tb_next
    return error.with_traceback(rest)
