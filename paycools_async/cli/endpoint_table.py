"""`paycools endpoints`; and docs/endpoints.md: `python -m paycools_async.cli.endpoint_table > docs/endpoints.md`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from ..endpoint import Endpoint
from ..registry import endpoints as registered
from .console import echo
from .lazy_group import with_example

__all__ = ["all_endpoints", "endpoint_table", "endpoints", "page"]

_FAMILIES = {"ph": ("PH API", "paycools_async.ph"), "global": ("Global API", "paycools_async.global_api")}
_HEADER = ("Id", "Nav", "Kind", "Method", "Path", "Provenance", "Class")
_INTRO = """\
# Endpoints

Every request and callback of the SDK, in the order of PayCools' navigation. How sure a path is:

- **documented**: a public page shows it.
- **observed**: seen in an integrator's traffic.
- **inferred**: from a sibling endpoint; its first use warns once (`UnverifiedEndpointWarning`).
- **unpublished**: in no public document; ask your account manager and pass `paths={"<id>": "/..."}` to the client.

For a callback it says how sure its form is. Any path can be overridden with `paths=`.
"""


@with_example("paycools endpoints --json")
def endpoints(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """List every endpoint and callback, and how sure its path is."""
    for entry in registered():
        row: dict[str, Any] = {
            "id": entry.id,
            "nav": entry.nav,
            "kind": entry.kind,
            "method": entry.method,
            "path": entry.path or "",
            "provenance": entry.provenance.value,
            "class": entry.request.__name__,
        }
        if as_json:
            echo(json.dumps(row))
        else:
            echo(
                f"{row['nav']:<6} {row['id']:<36} {row['method']:<4} {row['path'] or '-':<50} "
                f"{row['provenance']:<11} {row['class']}"
            )


def all_endpoints() -> list[Endpoint]:
    """Every descriptor of the package, all product modules imported, in the order of the navigation."""
    for _, package in _FAMILIES.values():
        if importlib.util.find_spec(package) is not None:
            for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
                importlib.import_module(module.name)
    # descriptors that a program has added itself are its own
    root = Endpoint.__module__.partition(".")[0]
    own = (entry for entry in registered() if entry.request.__module__.partition(".")[0] == root)
    return sorted(own, key=_place)


def _place(entry: Endpoint) -> tuple[object, ...]:
    steps = tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in entry.nav.split("."))
    return (*_FAMILIES,).index(entry.family), steps, entry.id


def endpoint_table(entries: Iterable[Endpoint]) -> str:
    """The Markdown table of descriptors. Pure."""
    rows = [_HEADER, ("---",) * len(_HEADER), *map(_row, entries)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: Endpoint) -> tuple[str, ...]:
    return (
        f"`{entry.id}`",
        entry.nav,
        entry.kind,
        entry.method,
        f"`{entry.path}`" if entry.path else "",
        entry.provenance.value,
        f"`{entry.request.__name__}`",
    )


def page(entries: Iterable[Endpoint]) -> str:
    """The whole page: one table a family."""
    listed = list(entries)
    parts = [_INTRO]
    for family, (title, package) in _FAMILIES.items():
        mine = [entry for entry in listed if entry.family == family]
        if mine:
            parts.append(f"## {title} (`{package}`)\n\n{endpoint_table(mine)}")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page(all_endpoints()))
