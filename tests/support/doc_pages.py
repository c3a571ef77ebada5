"""The pages of README.md and docs, and the Python that stands in them."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import attrs

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@attrs.frozen
class Block:
    page: Path
    line: int
    """Of its first line of code."""
    code: str

    @property
    def name(self) -> str:
        path = "_".join(self.page.relative_to(ROOT).with_suffix("").parts)
        return f"{path.replace('-', '_').lower()}_{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page, text.count("\n", 0, found.start(1)) + 1, found[1])


def story(blocks: list[Block]) -> str:
    """One program in which every line stands where it stands in the page."""
    lines: list[str] = []
    for block in blocks:
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    return "\n".join(lines) + "\n"


async def run_page(
    page: str, *, instead: dict[str, str] | None = None, blocks: int | None = None, **given: object
) -> dict[str, Any]:
    """The page's blocks, or its first ones, as one program, in the folder where the test is. Returns its names.

    `instead`: what stands in the place of texts that are true elsewhere only, such as a database's address.
    """
    path = ROOT / "docs" / page
    source = story(list(blocks_of(path))[:blocks])
    for text, other in (instead or {}).items():
        assert text in source
        source = source.replace(text, other)
    names: dict[str, Any] = {"__name__": "page", **given}
    code = compile(source, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = cast("Callable[[], Awaitable[None]]", types.FunctionType(code, names))()
    if inspect.isawaitable(running):
        await running
    return names
