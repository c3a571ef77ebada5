"""Take personal data out of texts: PayCools' messages may repeat what was sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

import attrs

from .fields import wire_name

__all__ = ["OF_ANY_REQUEST", "hidden_in", "personal_names", "personal_texts"]

_SHORT = 4
"""Characters. So short a text is hidden where it stands as a word of its own only."""


OF_ANY_REQUEST = frozenset(
    {
        *("accountName", "accountNo", "accountTaxId", "addressLine1", "addressLine2", "authCode", "birthPlace", "city"),
        *("customerName", "email", "idCardExpiryDate", "idCardPicUrl", "mobile", "name", "payToken", "payerClientIp"),
        *("postCode", "province", "userId", "wpOpenid"),
    }
)
"""The wire names of all request classes together, for calls without one; a test keeps it complete."""

_PERSONAL: dict[type[Any], frozenset[str]] = {dict: OF_ANY_REQUEST}


def personal_names(request: type[Any]) -> frozenset[str]:
    """The wire names of a request class's fields, and of the objects inside it, that say something of a person.

    `dict` stands for a call without a class.
    """
    if request not in _PERSONAL:
        _PERSONAL[request] = frozenset(_names(request, set()))
    return _PERSONAL[request]


def _names(cls: type[Any], seen: set[type[Any]]) -> Iterator[str]:
    if not attrs.has(cls) or cls in seen:
        return
    seen.add(cls)
    for field in attrs.fields(attrs.resolve_types(cls)):
        if field.metadata.get("personal"):
            yield wire_name(field)
        for inner in _classes(field.type):
            yield from _names(inner, seen)


def _classes(type_: Any) -> Iterator[type[Any]]:
    if isinstance(type_, type):
        yield type_
    for inner in get_args(type_):
        yield from _classes(inner)


def personal_texts(value: Any, names: Collection[str]) -> Iterator[str]:
    """The texts under these names, however deep in the fields of a request."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in names and isinstance(inner, str):
                yield inner
            else:
                yield from personal_texts(inner, names)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from personal_texts(inner, names)


def hidden_in(text: str, personal: Collection[str]) -> str:
    """The text with *** for each personal one, however it is written: in capitals, with blanks or dashes."""
    for value in sorted(personal, key=len, reverse=True):
        pattern = _pattern(value)
        if pattern is not None:
            text = pattern.sub("***", text)
    return text


def _pattern(value: str) -> re.Pattern[str] | None:
    characters = [char for char in value if char not in " -"]
    if not characters:
        return None
    # a mobile may come back with its country's prefix, 639.. for 09..
    begin = "0?" if characters[0] == "0" and len(characters) > 8 else ""
    body = "[ -]*".join(map(re.escape, characters[1:] if begin else characters))
    if len(characters) < _SHORT:
        body = rf"(?<!\w){body}(?!\w)"
    return re.compile(begin + body, re.IGNORECASE)
