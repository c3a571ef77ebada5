"""Results and events as what a Litestar route returns.

    app = Litestar([pay], plugins=[PayCoolsPlugin()])

Without it Litestar, which knows attrs classes by itself, sends `.raw` too, and with it what PayCools said of a person.
Litestar knows its plugins by their methods, so nothing of it is needed to import this.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from .jsonable import Jsonable, json_schema, to_dict, types_in_json

__all__ = ["PayCoolsPlugin"]


class PayCoolsPlugin:
    """Sends results and events as `to_dict` makes them, in lists too, and describes them in OpenAPI."""

    def supports_type(self, field_definition: Any) -> bool:
        """Whether it is a result or an event; Litestar asks of what stands inside lists and unions as well."""
        return bool(field_definition.is_subclass_of(Jsonable))

    def create_dto_for_type(self, field_definition: Any) -> type[Any]:
        """What turns a route's return value into data."""
        return _Outgoing

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether OpenAPI's description comes from here."""
        return isinstance(value, type) and issubclass(value, Jsonable)

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Any:
        """The description of a result or an event, without `raw`."""
        cls = field_definition.annotation
        make = type(field_definition).from_kwarg
        return schema_creator.create_component_schema(
            field_definition,
            required=sorted(json_schema(cls)["required"]),
            property_fields={name: make(annotation, name) for name, annotation in types_in_json(cls).items()},
        )


class _Outgoing:
    """In Litestar's words a DTO, for what goes out only."""

    def __init__(self, asgi_connection: Any) -> None:
        """Nothing of the request matters."""

    @staticmethod
    def is_supported_model_type_field(field_definition: Any) -> bool:
        return True

    @staticmethod
    def create_for_field_definition(field_definition: Any, handler_id: str, backend_cls: Any = None) -> None:
        """Nothing is to be prepared."""

    @staticmethod
    def create_openapi_schema(field_definition: Any, handler_id: str, schema_creator: Any) -> Any:
        return schema_creator.for_field_definition(field_definition)

    def data_to_encodable_type(self, data: Any) -> Any:
        response = getattr(sys.modules.get("litestar.response"), "Response", None)
        if response is not None and isinstance(data, response):
            data.content = _encodable(data.content)
            return data
        return _encodable(data)


def _encodable(data: Any) -> Any:
    if isinstance(data, Jsonable):
        return to_dict(data)
    if isinstance(data, Mapping):
        return {name: _encodable(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_encodable(each) for each in data]
    return data
