"""Reading a callback's body so that its signature can be checked: every text exactly as it stands there.

What comes in pieces is bounded, and unpacked where it is compressed. No I/O.
Numbers stay text (150000 and 150000.00 are signed differently), a field given twice is refused at every level, and
whatever else is wrong with a body is one `MalformedCallback`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from json.decoder import scanstring  # type: ignore[attr-defined]  # part of json since 2.6
from typing import Any

import attrs

from ..wire.canonical import NumberText
from ..wire.numbers import MOST_NESTED, decoded, is_nested_too_deep
from .errors import MalformedCallback

__all__ = ["BODY_TIMEOUT", "MAX_BODY", "Body", "Intake", "coding_of", "flat_text", "plain", "read"]

MAX_BODY = 64 * 1024
"""Bytes. The longest documented callback has less than one thousand."""
BODY_TIMEOUT = 10.0
"""Seconds for a body to come."""


_GZIP = ("gzip", "x-gzip")
_IDENTITY = ("", "identity")


def coding_of(header: str) -> str | None:
    """The one Content-Encoding that a body has, "" where none; None where it is one that is not unpacked here."""
    coding = header.strip().lower()
    if coding in _IDENTITY:
        return ""
    return coding if coding in (*_GZIP, "deflate") else None


class Intake:
    """Takes a body in. Neither what travels nor what it unpacks to is ever longer than `most` bytes.

    A body that begins as JSON does was unpacked by the server, which left the header as it is.
    """

    def __init__(self, coding: str, most: int) -> None:
        self._coding = coding
        self._most = most
        self._came = 0
        self._size = 0
        self._chunks: list[bytes] = []
        self._unpack: Any = None

    def add(self, chunk: bytes) -> int | None:
        """Take a piece. The HTTP status of the refusal, if it is one too many."""
        if not chunk:
            return None
        if self._coding and not self._came:
            self._unpack = _unpacker(self._coding, chunk[0])
        self._came += len(chunk)
        if self._came > self._most:
            return 413
        if self._unpack is not None:
            if self._unpack.eof:
                return 400
            try:
                chunk = self._unpack.decompress(chunk, self._most - self._size + 1)
            except zlib.error:
                return 400
            if self._unpack.unused_data:
                return 400
        self._size += len(chunk)
        if self._size > self._most:
            return 413
        self._chunks.append(chunk)
        return None

    def whole(self) -> bytes | int:
        """The body, or the status of its refusal where it was cut off."""
        if self._unpack is not None and not self._unpack.eof:
            return 400
        return b"".join(self._chunks)


def _unpacker(coding: str, first: int) -> Any:
    if first in b"{ \n\t":
        return None
    if coding in _GZIP:
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    # RFC 9110 means zlib's form by deflate; some send the bare stream
    return zlib.decompressobj(zlib.MAX_WBITS if first & 0xF == 8 else -zlib.MAX_WBITS)


@attrs.frozen
class Body:
    """A JSON object as text and as members, its numbers still texts."""

    text: str = attrs.field(repr=False)
    members: dict[str, Any] = attrs.field(repr=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedCallback("a field is given twice")
    return found


def _no_number(_: str) -> Any:
    raise MalformedCallback("NaN and Infinity are no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=NumberText, parse_int=NumberText, parse_constant=_no_number
)


def read(raw: bytes | str, limit: int = MAX_BODY) -> Body:
    """The body's members. Raises MalformedCallback, and nothing else, where they cannot be read."""
    if len(raw) > limit:
        raise MalformedCallback(f"longer than {limit} bytes")
    try:
        text = raw if isinstance(raw, str) else str(raw, "utf-8")
        if is_nested_too_deep(text):
            raise MalformedCallback(f"nested deeper than {MOST_NESTED} levels")
        members = decoded(text, _DECODER)
        if isinstance(raw, str) and not raw.isascii():
            raw.encode("utf-8")
        if "\\ud" in text or "\\uD" in text:
            json.dumps(members, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise MalformedCallback("not UTF-8, or half a surrogate pair") from None
    except ValueError:
        raise MalformedCallback("not JSON") from None
    if members.__class__ is not dict:
        raise MalformedCallback("not a JSON object")
    return Body(text, members)


def flat_text(body: Body, known: Collection[str] = ()) -> str:
    """The text PayCools signs of a flat body: all its members sorted, without `sign`, null and "".

    A list or object enters as the text it has in the body (inferred; no document shows one). Sorted pairs joined by
    `&` have a weakness: a field can be hidden in the value of the one before it ("a=1&b=2" may be two fields or one)
    and the text stays the same. A body in which one of the `known` fields could be hidden so is refused.
    """
    members = body.members
    parts: list[str] = []
    cut: dict[str, str] | None = None
    for name in sorted(members):
        value = members[name]
        kind = value.__class__
        if kind is str or kind is NumberText:
            if value and name != "sign":
                parts.append(name + "=" + value)
        elif value is None or name == "sign":
            continue
        elif value is True:
            parts.append(name + "=true")
        elif value is False:
            parts.append(name + "=false")
        else:
            if cut is None:
                cut = _texts(body.text)
            parts.append(name + "=" + cut[name])
    text = "&".join(parts)
    if text.count("=") != len(parts) or text.count("&") != max(len(parts) - 1, 0):  # rare: a name or a value holds one
        _refuse_hidden(members, parts, known)
    return text


def _refuse_hidden(members: dict[str, Any], parts: list[str], known: Collection[str]) -> None:
    if any("=" in name or "&" in name for name in members):
        raise MalformedCallback("a field name holds = or &")
    names = [part.partition("=")[0] for part in parts]
    for part, name, following in zip(parts, names, [*names[1:], None], strict=True):
        for piece in part.split("&")[1:]:
            hidden, _, value = piece.partition("=")
            # only where PayCools' sorting would have put it could it ever have been a field
            if value and hidden in known and name < hidden and (following is None or hidden < following):
                raise MalformedCallback("a value hides what may be another field")


def _texts(text: str) -> dict[str, str]:
    """Each top-level value of a JSON object as it stands in the text (which is known to be valid)."""
    found = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = scanstring(text, at + 1)
        start = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        found[name] = text[start:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def plain(members: dict[str, Any]) -> dict[str, Any]:
    """The members with numbers as int or Decimal; a number too large to be anything real stays text."""
    return {name: _plain(value) for name, value in members.items()}


def _plain(value: Any) -> Any:
    kind = value.__class__
    if kind is str:
        return value
    if kind is NumberText:
        return _number(value)
    if kind is dict:
        return plain(value)
    if kind is list:
        return [_plain(item) for item in value]
    return value


def _number(text: str) -> Any:
    if len(text) > 40:
        return str(text)
    try:
        return int(text)
    except ValueError:
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise MalformedCallback("a number beyond all bounds") from None
    return number if abs(number.adjusted()) < 40 else str(text)
