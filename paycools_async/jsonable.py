"""Results and events as data for JSON, and as what pydantic (so FastAPI) takes for a response."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Union, get_args, get_origin

import attrs

__all__ = ["Jsonable", "to_dict"]


class Jsonable:
    """Base of results and events: what `to_dict` takes, and what pydantic (so FastAPI) takes for a response."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # only pydantic asks
        from pydantic_core import core_schema

        # an instance goes out as `to_dict` says; nothing is made of what comes in
        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(_chosen, info_arg=True, when_used="always"),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return json_schema(cls)


def to_dict(result: Jsonable) -> dict[str, Any]:
    """A result or an event as data that JSON holds, under this SDK's own names.

    Amounts stay as they are: ints of minor units, and decimals as text. Times are ISO 8601 with their offset, enums
    their value. Nothing is left out but `.raw`: personal data is in it, so choose what leaves your server. Raises
    TypeError for anything else than a result or an event.
    """
    if not isinstance(result, Jsonable):
        raise TypeError(f"to_dict takes a result or an event, not {type(result).__name__}")
    return _fields(result)


def _fields(instance: Any) -> dict[str, Any]:
    return {name: _plain(getattr(instance, name)) for name in _names(type(instance))}


def _chosen(instance: Any, info: Any) -> dict[str, Any]:
    """What pydantic is asked for: FastAPI's `response_model_include`, `_exclude` and their like."""
    data = _fields(instance)
    if info.include is not None:
        data = {name: data[name] for name in data if name in info.include}
    if info.exclude is not None:
        data = {name: data[name] for name in data if name not in info.exclude}
    if info.exclude_none:
        data = {name: value for name, value in data.items() if value is not None}
    return data


def _names(cls: Any) -> Iterator[str]:
    return (field.name for field in attrs.fields(cls) if field.name != "raw")


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if attrs.has(type(value)):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def json_schema(cls: type[Any]) -> dict[str, Any]:
    """What `to_dict` makes of the class, as JSON Schema. Unknown members of enums are possible, so none is closed."""
    hints = typing.get_type_hints(cls)
    properties = {name: _schema(hints[name]) for name in _names(cls)}
    fields: Any = attrs.fields(cls)
    needed = [field.name for field in fields if field.name in properties and field.default is attrs.NOTHING]
    return {"title": cls.__name__, "type": "object", "properties": properties, "required": needed}


def types_in_json(cls: type[Any]) -> dict[str, Any]:
    """The fields that `to_dict` makes of the class, with the types that they have there: enums are open, so texts."""
    hints = typing.get_type_hints(cls)
    return {name: _in_json(hints[name]) for name in _names(cls)}


def _in_json(hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_in_json(each) for each in get_args(hint))]  # noqa: UP007 - of types found at run time
    if origin in (list, tuple, Sequence):
        return list[_in_json(get_args(hint)[0])]  # type: ignore[misc]
    if isinstance(hint, type) and issubclass(hint, str | int | Decimal):
        return bool if hint is bool else int if issubclass(hint, int) else str
    return hint


_TYPES: tuple[tuple[type, dict[str, Any]], ...] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    (str, {"type": "string"}),
    (Decimal, {"type": "string"}),
    (datetime, {"type": "string", "format": "date-time"}),
    (date, {"type": "string", "format": "date"}),
)


def _schema(hint: Any) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(each) for each in get_args(hint)]}
    if hint is type(None):
        return {"type": "null"}
    if origin in (list, tuple, Sequence):
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    if isinstance(hint, type):
        for kind, schema in _TYPES:
            if issubclass(hint, kind):
                return dict(schema)
        if attrs.has(hint):
            return json_schema(hint)
    if origin is dict or hint is dict:
        return {"type": "object"}
    return {}
