"""Commands that are imported when they are asked for: `paycools keys new` does not wait for the code that pays."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import typer
from typer.core import TyperGroup

__all__ = ["example_of", "lazy_group", "with_example"]

C = TypeVar("C", bound=Callable[..., Any])


def with_example(text: str) -> Callable[[C], C]:
    """Show this command line at the end of the command's --help."""

    def note(command: C) -> C:
        command.__example__ = text  # type: ignore[attr-defined]
        return command

    return note


def example_of(command: Any) -> str | None:
    """What stands at the end of a command's --help."""
    text = getattr(command, "__example__", None)
    return None if text is None else f"Example: {text}"


class _LazyGroup(TyperGroup):
    """A group that knows some of its commands by where they are."""

    places: ClassVar[Mapping[str, str]] = {}
    order: ClassVar[tuple[str, ...]] = ()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.places and cmd_name not in self.commands:
            self.commands[cmd_name] = _imported(self.places[cmd_name], cmd_name)
        return _plainly_shown(super().get_command(ctx, cmd_name))

    def list_commands(self, ctx: Any) -> list[str]:
        return list(dict.fromkeys([*self.order, *super().list_commands(ctx), *self.places]))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """What is mistyped is held against all names, so that the right one can be proposed."""
        if args and args[0] not in self.list_commands(ctx):
            for name in self.places:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def lazy_group(places: Mapping[str, str], order: Iterable[str] = ()) -> type[TyperGroup]:
    """The class of a group, for `typer.Typer(cls=...)`. `places`: by command, "package.module:name" of its function.

    The name may also be a `typer.Typer`, which is a group within the group. `order`: the commands that --help lists
    first.
    """
    return type("LazyGroup", (_LazyGroup,), {"places": dict(places), "order": tuple(order)})


def _plainly_shown(command: Any) -> Any:
    """The command; its --help breaks lines for the terminal alone, and does not say of a flag that it is a boolean."""
    for option in getattr(command, "params", ()):
        if getattr(option, "is_flag", False) and option.metavar is None:
            option.metavar = ""
    if getattr(command, "help", None):
        paragraphs = inspect.cleandoc(command.help).split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for inner in getattr(command, "commands", {}).values():
        _plainly_shown(inner)
    return command


def _imported(place: str, name: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        single = typer.Typer(add_completion=False)
        single.command(name, epilog=example_of(found))(found)
        command = typer.main.get_command(single)
    command.name = name
    return command
