"""docs/cli_json.md, from the classes: `python -m paycools_async.cli.objects.page > docs/cli_json.md`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from .base import Amount

__all__ = ["objects", "page"]

_INTRO = """\
# What `--json` prints

With `--json` a command prints one JSON object on standard output, in one line, and nothing else; what is said to people
goes to standard error. Made of the classes in [cli/objects](../paycools_async/cli/objects).

- Every object ends with `exit_code` (what the process exits with) and `error` (one line that says why, where there is
  one; else null). Where a command ends before it knows more (a faulty setting, nobody said yes), these two are all.
- A wrong option is no object: usage on standard error, exit code 2.
- Amounts are texts in major units ("500.10") and whole numbers in minor ones (50010). Times are ISO 8601, with offset.
- No object holds a name or an account number. Fields may be added; none is removed or changes its meaning.
- `endpoints --json` prints one object a line: `id`, `nav`, `kind`, `method`, `path`, `provenance`, `class`.
"""
_JSON = {str: "text", int: "whole number", bool: "true or false", type(None): "null", float: "number"}


def objects() -> list[type[Any]]:
    """The classes, those of commands first."""
    package = Amount.__module__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    found = []
    for name in sorted(module.name for module in pkgutil.iter_modules(folder)):
        module = importlib.import_module(f"{package}.{name}")
        listed = [each for each in vars(module).values() if inspect.isclass(each) and attrs.has(each)]
        found += [each for each in listed if each.__module__ == module.__name__]
    return sorted(found, key=lambda each: not _is_a_commands(each))


def _is_a_commands(cls: type[Any]) -> bool:
    return (cls.__doc__ or "").startswith("`")


def page() -> str:
    """The whole page."""
    parts = [_INTRO]
    for cls in objects():
        title = cls.__doc__ if _is_a_commands(cls) else f"{_name(cls)}: {cls.__doc__}"
        parts.append(f"## {str(title).strip().rstrip('.')}\n\n" + "".join(_lines(cls)))
    return "\n".join(parts)


def _lines(cls: type[Any]) -> Iterator[str]:
    yield "| field | is | means |\n"
    yield "|---|---|---|\n"
    hints = typing.get_type_hints(cls)
    for field in attrs.fields(cls):
        meaning = field.metadata["meaning"].replace("|", "\\|")
        yield f"| `{field.name}` | {_type(hints[field.name])} | {meaning} |\n"


def _name(cls: type[Any]) -> str:
    return cls.__name__.removesuffix("Object")


def _type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_type, arguments))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"list of {_type(arguments[0])}"
        return f"list of {len(arguments)}: {', '.join(map(_type, arguments))}"
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {_type(arguments[1])}"
    return _JSON[hint] if hint in _JSON else _name(hint)


if __name__ == "__main__":
    sys.stdout.write(page())
