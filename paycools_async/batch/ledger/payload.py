"""An order as a ledger keeps it: its fields as JSON, and the fingerprint of the text that will be signed."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import attrs

from ...fields import Made, wire_name
from ...privacy.redaction import personal_texts
from ...vocabulary.idempotency import idempotency_id_of

__all__ = [
    "BesideNames",
    "beside_from",
    "beside_text",
    "body_of",
    "digest_of",
    "names_from",
    "own_idempotency_id",
    "personal_texts_of",
    "request_of",
    "wire_fields_of",
]


_write = json.JSONEncoder(ensure_ascii=False).encode
_read = json.JSONDecoder().raw_decode  # without the looks for blanks around, for the text is ours


def body_of(request: Any) -> str:
    """The request's fields as JSON, without those that are None."""
    kind: Any = type(request)
    found = {name: value for name in _names(kind) if (value := getattr(request, name)) is not None}
    if not _PLAIN.issuperset(map(type, found.values())):  # an object, or a list of them
        found = attrs.asdict(request, filter=lambda _, value: value is not None)
    if "idempotency_id" in found:
        found["idempotency_id"] = idempotency_id_of(request)
    return _write(found)


_PLAIN = frozenset({str, Made, int})


@functools.cache
def _names(request_class: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(request_class))


def own_idempotency_id(request: Any) -> str | None:
    """The request's idempotency id where it is another text than the order id."""
    given = idempotency_id_of(request)
    return None if given is None or given == request.mch_order_id else given


def request_of(body: str, request_class: type[Any]) -> Any:
    """The request of `body_of` again, unchecked: it may have been sent already, and no rule can refuse it any more."""
    values, _ = _read(body)
    found = object.__new__(request_class)
    for field in attrs.fields(request_class):
        object.__setattr__(found, field.name, values.get(field.name))
    return found


def wire_fields_of(body: str, request_class: Any) -> dict[str, Any]:
    """The fields of `body_of` as they travel.

    Without making the request and checking it: that was done when the order was taken in, and the fingerprint proves
    that it is still the same one.
    """
    names = _wire_names(request_class)
    values, _ = _read(body)
    return {names[name]: value for name, value in values.items()}


@functools.cache
def _wire_names(request_class: Any) -> dict[str, str]:
    return {field.name: wire_name(field) for field in attrs.fields(request_class)}


def personal_texts_of(body: str) -> list[str]:
    """The texts of `body_of` that say something of a person."""
    return list(personal_texts(_read(body)[0]))


def digest_of(text: str) -> str:
    """The fingerprint of an order's whole content."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def beside_text(beside: Mapping[str, str] | None) -> str | None:
    """A row's cells that are not sent, as they are kept: JSON, of what every database takes."""
    return _write({_whole(name): _whole(text) for name, text in beside.items()}) if beside else None


_HALVES = re.compile("[\ud800-\udfff]")


def _whole(text: str) -> str:
    """The text without halves of characters, which cannot be written."""
    return text if text.isascii() else _HALVES.sub("?", text)


def beside_from(text: str | None) -> dict[str, str]:
    """The cells of `beside_text`."""
    found: dict[str, str] = json.loads(text) if text else {}
    return found


class BesideNames:
    """The names of the columns that are kept and not sent, as a batch's rows bring them."""

    most = 1000
    """More are no columns: in JSON Lines each row may have its own, and all are kept in mind."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, beside: Mapping[str, str] | None) -> bool:
        """Note a row's; whether there was room for them."""
        if beside and len(self._names) <= self.most:
            self._names.update(dict.fromkeys(beside))
        return len(self._names) <= self.most

    def text(self) -> str | None:
        """As they are kept: JSON; None where there are none."""
        found = list(dict.fromkeys(map(_whole, self._names)))
        return _write(found) if found else None


def names_from(text: str | None) -> tuple[str, ...]:
    """The names of `BesideNames.text`."""
    return tuple(json.loads(text)) if text else ()
