"""A strict type checker reads every block of Python in README.md and docs."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import doc_names
from support.doc_pages import PAGES, Block, blocks_of, story

import paycools_async

pytestmark = pytest.mark.process  # it reads the whole package

PROGRAMS = ("batches.md", "callbacks.md", "durable_payouts.md", "errors.md", "files.md", "signing.md", "timeouts.md")
"""Pages whose blocks are one program; so is every page about a product or a country."""


def programs() -> list[Block]:
    """Every block, those of one program together, each at its line."""
    found: list[Block] = []
    for page in PAGES:
        blocks = list(blocks_of(page))
        if blocks and (page.name in PROGRAMS or page.parent.name in ("products", "countries")):
            blocks = [Block(page, 1, story(blocks))]
        found += blocks
    return found


SETTINGS = """[mypy]
strict = true
ignore_missing_imports = true
# what a framework keeps for its application has no type
warn_return_any = false
[mypy-paycools_async.*]
ignore_errors = true
"""


def as_module(block: Block) -> tuple[str, int]:
    """A module that a type checker can read, and how many lines of it stand before the block's first."""
    tree = ast.parse(block.code)
    taken = sorted(name for name in names_used(tree) - names_bound(tree) if not hasattr(builtins, name))
    header = [f"from doc_names import {name}" for name in taken]
    if any(importlib.util.find_spec(name) is None for name in packages_of(tree)):
        header.insert(0, "# mypy: disallow_untyped_decorators=False")
    if not waits(tree):
        return "\n".join([*header, block.code]), len(header)
    body = ["    " + line if line else "" for line in block.code.splitlines()]
    return "\n".join([*header, "async def page() -> None:", *body, ""]), len(header) + 1


def names_used(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def names_bound(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.alias():
                found.add(node.asname or node.name)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.arg():
                found.add(node.arg)
            case ast.AsyncFunctionDef() | ast.FunctionDef() | ast.ClassDef() | ast.ExceptHandler():
                found.add(node.name or "")
    return found


def packages_of(tree: ast.Module) -> set[str]:
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def waits(tree: ast.Module) -> bool:
    """Whether it awaits outside a function of its own."""

    def outside(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.AsyncFunctionDef | ast.FunctionDef | ast.Lambda):
                yield child
                yield from outside(child)

    return any(isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor) for node in outside(tree))


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_a_strict_type_checker_finds_no_fault_in_any_block(tmp_path: Path) -> None:
    found = programs()
    assert len(found) > 20
    (tmp_path / "doc_names.py").write_text(Path(doc_names.__file__).read_text("utf-8"), "utf-8")
    before: dict[str, tuple[Block, int]] = {}
    for block in found:
        code, lines = as_module(block)
        (tmp_path / f"{block.name}.py").write_text(code, "utf-8")
        before[block.name] = (block, lines)
    faults = mypy(tmp_path)
    assert (
        "\n".join(
            f"{before[name][0].page.name}:{int(line) - before[name][1] + before[name][0].line - 1}: {text}"
            for name, line, text in faults
        )
        == ""
    )


def mypy(folder: Path) -> list[tuple[str, str, str]]:
    (folder / "mypy.ini").write_text(SETTINGS, "utf-8")
    parent = Path(paycools_async.__file__).parent.parent
    path = "" if parent.name == "site-packages" else str(parent)
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", "cache", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "MYPYPATH": path},
    )
    faults = re.findall(r"^(\w+)\.py:(\d+): error: (.*)$", run.stdout, re.MULTILINE)
    assert run.returncode == bool(faults), run.stdout + run.stderr
    return faults
