"""Between Python and PayCools' JSON: snake_case to camelCase, lenient reading, strict writing (cattrs)."""

from __future__ import annotations

import types
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Union, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from .endpoint import Request, Result
from .enums import OpenEnum
from .fields import wire_name
from .times import parse_time

__all__ = ["structure", "unstructure"]

_RAW = "\0raw"


def unstructure(request: Request[Any]) -> dict[str, Any]:
    """The request's fields under their wire names; `None` is left out, 0 and False stay, `extra` is spread."""
    found: dict[str, Any] = _CONVERTER.unstructure(request)
    extra = found.pop("extra", None) or {}
    return {**{name: value for name, value in found.items() if value is not None}, **extra}


def structure(value: Any, into: Any) -> Any:
    """The typed result. Raises ValueError naming the fields that do not fit, without their values."""
    try:
        return _CONVERTER.structure(value, into)
    except Exception as error:  # noqa: BLE001 - cattrs raises groups of whatever the hooks raise
        raise ValueError("; ".join(transform_error(error, format_exception=_reason))) from None


def _reason(error: BaseException, type_: Any) -> str:
    if isinstance(error, KeyError):
        return f"required field {error.args[0]!r} is missing"
    return f"not a {getattr(type_, '__name__', type_)}"


def _to_int(value: Any, _: Any = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not an integer")
    if isinstance(value, Decimal) and value != value.to_integral_value():
        raise ValueError("not an integer")
    return int(value)


def _to_decimal(value: Any, _: Any = None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("not a decimal number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("not a decimal number") from None
    if not number.is_finite():
        raise ValueError("not a decimal number")
    return number


def _to_str(value: Any, _: Any = None) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("not a text")
    return str(value)


def _to_time(value: Any, _: Any = None) -> datetime:
    if not isinstance(value, str):
        raise ValueError("not a time")
    return parse_time(value)


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
    is_enum = isinstance(scalar, type) and issubclass(scalar, OpenEnum)
    return scalar if scalar in _SCALARS or is_enum else None


def _optional_hook(type_: Any) -> Callable[[Any, Any], Any]:
    scalar = _optional_scalar(type_)
    convert = _SCALARS.get(scalar) or (lambda value, _: scalar(value))
    keeps_empty = scalar is str  # an empty text is a text; an empty time or number is nothing

    def hook(value: Any, _: Any) -> Any:
        if value is None or (value == "" and not keeps_empty):
            return None
        return convert(value, scalar)

    return hook


def _result_hook(cls: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    renames = {field.name: override(rename=wire_name(field)) for field in attrs.fields(cls)}
    renames["raw"] = override(rename=_RAW)
    aliases = [(alias, wire_name(field)) for field in attrs.fields(cls) for alias in field.metadata.get("aliases", ())]
    build = make_dict_structure_fn(cls, converter, **renames)  # type: ignore[arg-type]

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("not an object")
        seen = {**value, _RAW: value}
        for alias, name in aliases:
            if alias in value:
                seen.setdefault(name, value[alias])
        return build(seen, cls)

    return hook


def _request_hook(cls: type[Any], converter: Converter) -> Callable[[Any], dict[str, Any]]:
    renames = {field.name: override(rename=wire_name(field)) for field in attrs.fields(cls)}
    return make_dict_unstructure_fn(cls, converter, **renames)  # type: ignore[arg-type]


def _subclass_of(base: type) -> Callable[[Any], bool]:
    return lambda type_: isinstance(type_, type) and issubclass(type_, base)


def _converter() -> Converter:
    converter = Converter()
    # by identity: a hook registered for str would take the text enums too
    converter.register_structure_hook_factory(lambda t: t in _SCALARS, lambda t: _SCALARS[t])
    converter.register_structure_hook_factory(lambda t: _optional_scalar(t) is not None, _optional_hook)
    converter.register_structure_hook_factory(_subclass_of(OpenEnum), lambda cls: lambda value, _: cls(value))
    converter.register_structure_hook_factory(_subclass_of(Result), lambda cls: _result_hook(cls, converter))
    converter.register_unstructure_hook_factory(_subclass_of(Request), lambda cls: _request_hook(cls, converter))
    converter.register_unstructure_hook_func(_subclass_of(OpenEnum), str)
    return converter


_CONVERTER = _converter()
