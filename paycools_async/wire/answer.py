"""PayCools' answer: `{code, message, data}`. Anything else cannot be trusted."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import attrs

from ..errors import UnexpectedAnswer
from .codes import error_for

__all__ = ["Answer", "data_of", "read_answer", "readable", "retry_after"]


@attrs.frozen
class Answer:
    """The parsed envelope. `raw` is the whole answer; numbers with a point are Decimals."""

    code: int
    message: str
    data: Any = attrs.field(repr=False)
    raw: dict[str, Any] = attrs.field(repr=False)


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Parse an answer. Raises UnexpectedAnswer where it is no PayCools envelope."""

    def distrust(why: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"HTTP {status}: {why}", status=status, retry_after=retry_after(headers))

    try:
        raw = _DECODER.decode(body.removeprefix(BOM_UTF8).decode("utf-8"))
    except (ValueError, RecursionError):
        raise distrust(f"the answer is not JSON ({len(body)} bytes)") from None
    if not isinstance(raw, dict):
        raise distrust("the answer is not a JSON object")
    code = raw.get("code")
    try:
        # one integrator met codes as text
        number = int(code) if isinstance(code, int | str) and not isinstance(code, bool) else None
    except ValueError:
        number = None
    if number is None:
        raise distrust("the answer has no result code")
    message = raw.get("message") or raw.get("msg") or ""
    return Answer(number, readable(str(message)), raw.get("data"), raw)


def readable(text: str) -> str:
    """The text without what no terminal and no database takes: half a character, a zero byte."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def data_of(
    answer: Answer,
    status: int,
    headers: Mapping[str, str],
    success_codes: frozenset[int],
    *,
    moves_money: bool,
    family: Literal["ph", "global"] = "ph",
) -> Any:
    """The answer's `data` when it says success; else raises the error class of its code.

    Every documented answer, failures included, is HTTP 200. Under any other status an answer to a call that moves
    money is not believed, whatever it says.
    """
    if status != 200 and (moves_money or answer.code in success_codes):
        raise UnexpectedAnswer(
            f"HTTP {status} with result code {answer.code}", status=status, retry_after=retry_after(headers)
        )
    if answer.code in success_codes:
        return answer.data
    if family == "global" and answer.code == _SUCCESS_ELSEWHERE:
        raise UnexpectedAnswer(f"HTTP {status}: result code 1000 is the PH API's success", status=status)
    raise error_for(answer.code, answer.message, family)


_SUCCESS_ELSEWHERE = 1000
"""Two single-country pages print 1000 and "success" under a payout that was taken; it must never pass for a refusal."""


def _refuse(name: str) -> None:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header given as a number; a date is ignored."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = value.strip()
            return float(text) if text.isdecimal() and len(text) < 6 else None
    return None
