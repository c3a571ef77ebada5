"""What a tool that keeps the local variables of a traceback (Sentry, rich) would show."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import paycools_async

_OURS = paycools_async.__path__[0]


def _errors(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        yield from _errors(error.__context__)
        error = error.__cause__


def shown(error: BaseException, *, everybody: bool = False) -> str:
    """The error, its causes, and the variables of every frame: of this package's, or of all."""
    found = ["".join(traceback.format_exception(error))]
    for each in _errors(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            if everybody or frame.f_code.co_filename.startswith(_OURS):
                found += [f"{name}={value!r}" for name, value in frame.f_locals.items()]
    return "\n".join(found)
