"""Between Python and PayCools' JSON: snake_case to camelCase, lenient reading, strict writing (cattrs)."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.cols import list_structure_factory
from cattrs.fns import identity
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from .endpoint import Request, Result
from .enums import OpenEnum, OpenNumber
from .fields import Made, wire_name
from .times import parse_time
from .vocabulary.idempotency import idempotency_id_of
from .wire.numbers import exact_decimal

__all__ = ["structure", "unstructure"]

_RAW = "__raw__"
"""Under which the whole object is handed over. A plain name: cattrs before 26.2 writes it into source code as it is."""


_INTEGER = re.compile("[+-]?[0-9]{1,40}")


def unstructure(request: Request[Any]) -> dict[str, Any]:
    """The request's fields under their wire names; `None` is left out, 0 and False stay, `extra` is spread."""
    found: dict[str, Any] = _CONVERTER.unstructure(request)
    return found


def structure(value: Any, into: Any) -> Any:
    """The typed result. Raises ValueError naming the fields that do not fit, without their values."""
    try:
        return _CONVERTER.structure(value, into)
    except Exception as error:  # noqa: BLE001 - cattrs raises groups of whatever the hooks raise
        raise ValueError("; ".join(transform_error(error, format_exception=_reason))) from None


def _reason(error: BaseException, type_: Any) -> str:
    if isinstance(error, KeyError):
        return f"required field {error.args[0]!r} is missing"
    return f"not a {getattr(type_, '__name__', type_)}" if type_ is not None else "not of the documented form"


def _to_int(value: Any, _: Any = None) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not an integer")
    if isinstance(value, Decimal) and value != value.to_integral_value():
        raise ValueError("not an integer")
    if isinstance(value, str) and _INTEGER.fullmatch(value) is None:
        raise ValueError("not an integer")
    return int(value)


def _to_decimal(value: Any, _: Any = None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not a decimal number")
    return exact_decimal(value) if isinstance(value, str) else Decimal(value)


def _to_str(value: Any, _: Any = None) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("not a text")
    return str(value)


def _to_time(value: Any, _: Any = None) -> datetime:
    if isinstance(value, datetime):  # given its zone already
        return value
    if not isinstance(value, str):
        raise ValueError("not a time")
    return parse_time(value)


def _to_enum(value: Any, cls: Any) -> Any:
    return cls.of(_to_str(value))  # codes come as numbers, too


def _to_number(value: Any, cls: Any) -> Any:
    """A code that is no number is none of ours; it stays in `.raw`, and the rest of the answer is not lost for it."""
    try:
        return cls(_to_str(value))
    except ValueError:
        return None


_SCALARS: dict[Any, Callable[[Any, Any], Any]] = {
    int: _to_int,
    Decimal: _to_decimal,
    str: _to_str,
    datetime: _to_time,
}


def _optional_scalar(type_: Any) -> Any:
    """The scalar X of `X | None`, else None."""
    if get_origin(type_) not in (Union, types.UnionType):
        return None
    inner = [arg for arg in get_args(type_) if arg is not type(None)]
    if len(inner) != 1 or len(get_args(type_)) != 2:
        return None
    scalar = inner[0]
    is_enum = isinstance(scalar, type) and issubclass(scalar, OpenEnum | OpenNumber)
    return scalar if scalar in _SCALARS or is_enum else None


def _is_optional_text_or_number(type_: Any) -> bool:
    """Such a value travels as it is; None is left out anyhow."""
    return get_origin(type_) in (Union, types.UnionType) and all(
        each in (str, int, type(None)) or get_origin(each) is Literal for each in get_args(type_)
    )


def _optional_hook(type_: Any) -> Callable[[Any, Any], Any]:
    scalar = _optional_scalar(type_)
    convert = _SCALARS.get(scalar) or (_to_number if issubclass(scalar, OpenNumber) else _to_enum)
    if scalar is str:
        return lambda value, _: None if value is None else _to_str(value)

    def hook(value: Any, _: Any) -> Any:
        if value is None or value == "":  # an empty text is a text; an empty time or number is nothing
            return None
        return convert(value, scalar)

    return hook


def _is_list(type_: Any) -> bool:
    return get_origin(type_) is list


def _list_hook(type_: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    build = list_structure_factory(type_, converter)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, list):  # an object or a text would be walked through as well
            raise ValueError("not a list")
        return build(value, type_)

    return hook


def _result_hook(cls: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    renames = {field.name: override(rename=wire_name(field)) for field in attrs.fields(cls)}
    renames["raw"] = override(rename=_RAW)
    aliases = [(alias, wire_name(field)) for field in attrs.fields(cls) for alias in field.metadata.get("aliases", ())]
    build = make_dict_structure_fn(cls, converter, **renames)  # type: ignore[arg-type]
    shape = getattr(cls, "_shape", None)  # of a result that comes in more than one form: makes it one
    times = [wire_name(field) for field in attrs.fields(cls) if field.type in (datetime, datetime | None)]
    empty_is_enough = all(field.default is not attrs.NOTHING for field in attrs.fields(cls))

    def hook(raw: Any, _: Any) -> Any:
        value = raw if shape is None else shape(raw)
        if value is None and empty_is_enough:
            value = {}  # success with null `data`, where no field of the answer is certain
        if not isinstance(value, dict):
            raise ValueError("not an object")
        seen = {**value, _RAW: raw}
        for alias, name in aliases:
            if alias in value:
                seen.setdefault(name, value[alias])
        zone = cls._zone(value) if times else None
        if zone is not None:
            _read_times(seen, times, zone)
        return build(seen, cls)

    return hook


def _read_times(fields: dict[str, Any], names: list[str], zone: tzinfo) -> None:
    for name in names:
        text = fields.get(name)
        if text and isinstance(text, str):
            try:
                fields[name] = parse_time(text, zone)
            except ValueError:
                continue  # what is no time is refused by `build`, with the field's name


def _request_hook(cls: type[Any], converter: Converter) -> Callable[[Any], dict[str, Any]]:
    renames = {field.name: override(rename=wire_name(field)) for field in attrs.fields(cls)}
    build = make_dict_unstructure_fn(cls, converter, **renames)  # type: ignore[arg-type]

    def hook(request: Any) -> dict[str, Any]:
        # in their order, which is signed: cattrs' `omit_if_default` would change it
        fields = {name: value for name, value in build(request).items() if value is not None}
        if type(fields.get("idempotencyId")) is Made:  # written as the plain text that it is
            fields["idempotencyId"] = str(idempotency_id_of(request))
        for name, value in fields.pop("extra", {}).items():
            fields.setdefault(name, value)  # what was put into `extra` since it was checked changes no field
        return fields

    return hook


def _subclass_of(base: type) -> Callable[[Any], bool]:
    return lambda type_: isinstance(type_, type) and issubclass(type_, base)


def _converter() -> Converter:
    converter = Converter()
    # by class: cattrs asks its own int() and str() before any factory, and they take 1.5 centavos for 1
    for scalar, hook in _SCALARS.items():
        converter.register_structure_hook(scalar, hook)
    converter.register_structure_hook(OpenEnum, _to_enum)  # nearer to a text enum than the hook for str
    converter.register_structure_hook_factory(_is_list, lambda type_: _list_hook(type_, converter))
    converter.register_structure_hook_factory(lambda t: _optional_scalar(t) is not None, _optional_hook)
    converter.register_structure_hook_factory(_subclass_of(Result), lambda cls: _result_hook(cls, converter))
    converter.register_unstructure_hook_factory(_subclass_of(Request), lambda cls: _request_hook(cls, converter))
    converter.register_unstructure_hook_func(_subclass_of(OpenEnum), str)
    converter.register_unstructure_hook_factory(_is_optional_text_or_number, lambda _: identity)
    return converter


_CONVERTER = _converter()
