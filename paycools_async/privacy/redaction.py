"""What PayCools says of a payment may repeat whose it is: such texts are taken out, however they are written there."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..countries import COUNTRIES
from ..endpoint import Result, registered
from ..fields import wire_name
from ..texts import shown_text

__all__ = ["personal_texts", "redacted", "without_numbers", "without_personal"]

_HIDDEN = "***"
_SHORTEST = 3
"""A name of one or two letters is a word of many sentences: it is nobody, and to hide it would spoil the message."""
_LONGEST = 500
_BETWEEN = r"(?:%[0-9A-Fa-f]{2}|[\W_]){0,8}"
"""What may stand between two letters: blanks, dashes, brackets, commas, also as in a URL."""
_PREFIXES = tuple(each.calling_code for each in COUNTRIES.values() if each.calling_code)
"""639171234567 may stand there for 09171234567, and the other way round."""
_HARMLESS = [
    "appId",
    "appName",
    "sign",
    "timestamp",
    "param",
    "amount",
    "currency",
    "countryCode",
    "channelCode",
    "payMethodCode",
    "bankCode",
    "transferCode",
    "mchOrderId",
    "mchRefundOrderId",
    "transactionId",
    "idempotencyId",
]


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, whatever their case, and whatever blanks, dashes or dots stand inside them.

    Letters and digits of another width, with marks or of another script's digits, and what is not seen between them,
    are looked at as the plain ones.
    """
    if not text:
        return text
    for secret in sorted(set(secrets), key=len, reverse=True):
        pattern = _pattern(secret[:_LONGEST])
        if pattern is not None:
            text = _without(pattern, text)
    return text


_LONG_NUMBER = re.compile(r"(?<![^\W_])\+?\d(?:[ .()-]{0,2}\d){8,}(?![^\W_])")


def without_numbers(text: str, given: Any) -> str:
    """The text without numbers of nine digits and more, which may be somebody's account or telephone.

    What the caller has given with the call, an order's id, stays.
    """
    if not _LONG_NUMBER.search(text):
        return text
    fields = given.values() if isinstance(given, Mapping) else attrs.astuple(given, recurse=False)
    known = [each for each in fields if isinstance(each, str)]
    return _LONG_NUMBER.sub(lambda found: found[0] if any(found[0] in each for each in known) else _HIDDEN, text)


def _without(pattern: re.Pattern[str], text: str) -> str:
    if text.isascii():
        return pattern.sub(_HIDDEN, text)
    plain, places = _folded(text)
    kept, after = [], 0
    for found in pattern.finditer(plain):
        first, last = places[found.start()], places[found.end() - 1]
        if first >= after:
            kept += [text[after:first], _HIDDEN]
            after = last + 1
    return "".join([*kept, text[after:]])


def _folded(text: str) -> tuple[str, list[int]]:
    """Plain letters and digits, and the place in the text of each."""
    plain: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for part in unicodedata.normalize("NFKD", char):
            kind = unicodedata.category(part)
            if kind != "Mn":
                plain.append(str(unicodedata.decimal(part)) if kind == "Nd" else part)
                places.append(place)
    return "".join(plain), places


@functools.lru_cache(maxsize=256)
def _pattern(secret: str) -> re.Pattern[str] | None:
    """What a secret may look like; None where it is none."""
    letters = [char for char in _folded(secret)[0] if char.isalnum()]
    if len(letters) < _SHORTEST:
        return None
    if all(char.isdigit() for char in letters):
        return _number("".join(letters), secret.lstrip().startswith("+"))
    return re.compile(rf"(?<![^\W_]){_BETWEEN.join(map(re.escape, letters))}(?![^\W_])", re.IGNORECASE)


def _number(digits: str, international: bool) -> re.Pattern[str]:
    core = digits
    if len(digits) > 8:
        prefix = next((each for each in _PREFIXES if international and digits.startswith(each)), "0")
        core = digits.removeprefix(prefix) if digits.startswith(prefix) else digits
    found = _BETWEEN.join(core)
    if core != digits:  # a prefix may have been put before it, or taken away
        return re.compile(rf"(?:\+?{_BETWEEN.join(digits[: len(digits) - len(core)])}{_BETWEEN})?{found}")
    # a short one is no part of a longer one, such as an order's id
    return re.compile(found if len(core) > 5 else rf"(?<![^\W_]){found}(?![^\W_])")


def personal_texts(request: Any) -> Iterator[str]:
    """The texts of a request, and of the objects inside it, that say something of a person.

    Of a mapping: those under the names of such fields, and under names that no request of this package has.
    """
    if isinstance(request, Mapping):
        for name, value in request.items():
            yield from _under(str(name), value)
    elif attrs.has(type(request)):
        for field in attrs.fields(type(request)):
            value = getattr(request, field.name)
            if isinstance(value, str) and field.metadata.get("personal"):
                yield value
            elif attrs.has(type(value)):
                yield from personal_texts(value)


def _under(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from personal_texts(value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _under(name, each)
    elif isinstance(value, str | int) and not isinstance(value, bool) and _is_personal(name):
        yield str(value)


def _is_personal(name: str) -> bool:
    personal, harmless = _names(len(registered()))
    return name in personal or name not in harmless


@functools.lru_cache(maxsize=8)
def _names(_: int) -> tuple[frozenset[str], frozenset[str]]:
    """Names of fields, ours and PayCools', under which something of a person stands, and the others."""
    personal: set[str] = set()
    every = set(_HARMLESS)
    for entry in registered():
        for field in attrs.fields(entry.request) if attrs.has(entry.request) else ():
            every |= {field.name, wire_name(field)}
            if field.metadata.get("personal"):
                personal |= {field.name, wire_name(field)}
    return frozenset(personal), frozenset(every - personal)


_DEEPEST = 6
_MOST_ENTRIES = 50
_MOST_TEXT = 200


def without_personal(data: Any, secrets: Iterable[str], *, name: str = "", deep: int = 0) -> Any:
    """What PayCools sent as JSON, for a report: only ids, statuses, codes, amounts and times are kept."""
    secrets = list(secrets)
    if data is None or isinstance(data, bool):
        return data
    if deep > _DEEPEST:
        return _HIDDEN
    if isinstance(data, Mapping):
        return {
            shown_text(each, 64): without_personal(value, secrets, name=str(each), deep=deep + 1)
            for each, value in itertools.islice(data.items(), _MOST_ENTRIES)
        }
    if isinstance(data, list | tuple):
        return [without_personal(each, secrets, name=name, deep=deep + 1) for each in data[:_MOST_ENTRIES]]
    if name not in _reportable(len(registered())):
        return _HIDDEN
    text = shown_text(redacted(str(data), secrets), _MOST_TEXT)
    return data if isinstance(data, int) and text == str(data) else text


_TELLING = re.compile(
    r"(?!paymentCode$)(.*(Id|Status|Code|Type|Time|Date|Amount|Currency)|status|amount|balance|currency|eventName|list"
    r"|.*List|records|page|total)"
)
"""A payment code is the number that a customer paid to."""


@functools.lru_cache(maxsize=8)
def _reportable(count: int) -> frozenset[str]:
    """Names on the wire, of requests and results, under which no free text stands and nothing of a person."""
    personal, harmless = _names(count)
    known, hidden = set(harmless), set(personal)
    waiting: list[type[Any]] = [Result]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        for field in attrs.fields(cls):
            (known if field.repr else hidden).update((wire_name(field), *field.metadata.get("aliases", ())))
    return frozenset(name for name in known - hidden if _TELLING.fullmatch(name))
