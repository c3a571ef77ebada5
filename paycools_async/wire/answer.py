"""PayCools' answer: `{code, message, data}`. Anything else cannot be trusted."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any

import attrs

from ..endpoint import Endpoint
from ..errors import UnexpectedAnswer
from ..privacy.confidential import without_frames
from ..texts import shown_text
from .numbers import MOST_BYTES, OutOfBounds, RepeatedName, parse_json

__all__ = ["Envelope", "data_of", "read_answer", "retry_after", "sanitize"]


@attrs.frozen
class Envelope:
    """The parsed envelope. `raw` is the whole answer; numbers with a point are Decimals."""

    code: int
    message: str = attrs.field(repr=False)
    data: Any = attrs.field(repr=False)
    raw: dict[str, Any] = attrs.field(repr=False)


@without_frames
def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Envelope:
    """Parse an answer. Raises UnexpectedAnswer where it is no PayCools envelope."""

    def unexpected(why: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"HTTP {status}: {why}", status=status, retry_after=retry_after(headers))

    if len(body) > MOST_BYTES:
        raise unexpected(f"the answer has {len(body)} bytes, more than {MOST_BYTES}")
    try:
        raw = parse_json(body.removeprefix(BOM_UTF8).decode("utf-8"), names_once=True)
    except OutOfBounds as error:
        raise unexpected(f"the answer is out of bounds: {error}") from None
    except RepeatedName as error:
        raise unexpected(f"the answer is ambiguous: {error}") from None
    except ValueError:
        raise unexpected(f"the answer is not JSON ({len(body)} bytes)") from None
    if not isinstance(raw, dict):
        raise unexpected("the answer is not a JSON object")
    number = _result_code(raw.get("code"))
    if number is None:
        raise unexpected("the answer has no result code")
    message = raw.get("message") or raw.get("msg") or ""
    return Envelope(number, sanitize(str(message)), raw.get("data"), raw)


_MOST_WORDS = 2_000

_CODE = re.compile(r"-?[0-9]{1,9}")


def _result_code(code: Any) -> int | None:
    """The result code; None where it is none. One integrator met codes as text."""
    if isinstance(code, str):
        return int(code) if _CODE.fullmatch(code) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def sanitize(text: str) -> str:
    """PayCools' words as they are kept: on one line, with nothing in them that is not seen, of a bounded length."""
    return shown_text(text, _MOST_WORDS)


def data_of(answer: Envelope, status: int, headers: Mapping[str, str], endpoint: Endpoint) -> Any:
    """The answer's `data` when it says success; else raises the error class of its code.

    Every documented answer, failures included, is HTTP 200. Under any other status no answer is believed, whatever it
    says: "transaction not found" from a proxy would look like an order that is not there.
    """
    if status != 200:
        raise UnexpectedAnswer(
            f"HTTP {status} with result code {answer.code}", status=status, retry_after=retry_after(headers)
        )
    if answer.code in endpoint.success_codes:
        return _unpacked(answer.data, status) if endpoint.api.data_as_text else answer.data
    if answer.code in endpoint.api.untrusted_codes:
        raise UnexpectedAnswer(f"HTTP {status}: result code {answer.code} is the PH API's success", status=status)
    error = endpoint.api.error_for(answer.code, answer.message, endpoint.purpose)
    wait = retry_after(headers)
    raise error if wait is None else error.with_context(retry_after=wait)


@without_frames
def _unpacked(data: Any, status: int) -> Any:
    """What JSON in a text holds. A text that is no object and no list is left as it is."""
    if not isinstance(data, str) or data[:40].lstrip()[:1] not in ("{", "["):
        return data
    try:
        return parse_json(data, names_once=True)
    except OutOfBounds as error:
        raise UnexpectedAnswer(f"HTTP {status}: the answer's data is out of bounds: {error}", status=status) from None
    except RepeatedName as error:
        raise UnexpectedAnswer(f"HTTP {status}: the answer's data is ambiguous: {error}", status=status) from None
    except ValueError:
        raise UnexpectedAnswer(f"HTTP {status}: the answer's data is not JSON", status=status) from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header given as a number; a date is ignored."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            text = value.strip()
            return float(text) if text.isdecimal() and len(text) < 6 else None
    return None
