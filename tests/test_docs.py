"""The code in README.md and docs is true: a type checker reads every block, and some pages are run, top to bottom."""

from __future__ import annotations

import ast
import builtins
import csv
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import types
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import attrs
import pytest
from support import doc_names
from support.batch import HEADER, rows

import paycools_async
from paycools_async import PayCoolsGlobal, PayCoolsPH
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, Sandbox

pytestmark = pytest.mark.process  # a type checker reads the whole package; a page that is run takes its time

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PARTS = {("timeouts.md", "try:"), ("timeouts.md", "except TimeoutError:")}
"""Page and first line of blocks that are parts of a statement: for people only."""
STORIES = ("batches.md", "durable_payouts.md")
"""Pages whose blocks are one program."""
GUIDES = [
    ROOT / "docs" / "signing.md",
    ROOT / "docs" / "errors.md",
    *(page for page in PAGES if page.parent.name in ("products", "countries") and page.name != "index.md"),
]
"""Pages whose blocks are one program, a fake and its clients given. It prints what stands behind each print, and in the
block without a language that follows."""
PRINTS = r"^```python\n(.*?)^```$(?:\n\n^```\n(.*?)^```$)?"


@attrs.frozen
class Block:
    page: Path
    line: int
    """Of its first line of code."""
    code: str

    @property
    def is_part(self) -> bool:
        return (self.page.name, self.code.partition("\n")[0]) in PARTS

    @property
    def name(self) -> str:
        path = "_".join(self.page.relative_to(ROOT).with_suffix("").parts)
        return f"{path.replace('-', '_').lower()}_{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page, text.count("\n", 0, found.start(1)) + 1, found[1])


def programs() -> list[Block]:
    """Every block, a story's as one, each at its line."""
    found: list[Block] = []
    for page in PAGES:
        blocks = [block for block in blocks_of(page) if not block.is_part]
        if blocks and (page.name in STORIES or page in GUIDES):
            blocks = [Block(page, 1, story(blocks))]
        found += blocks
    return found


def story(blocks: list[Block]) -> str:
    """One program in which every line stands where it stands in the page."""
    lines: list[str] = []
    for block in blocks:
        lines += [""] * (block.line - 1 - len(lines)) + block.code.splitlines()
    return "\n".join(lines) + "\n"


def test_only_two_blocks_are_checked_by_nobody() -> None:
    assert sum(block.is_part for page in PAGES for block in blocks_of(page)) == len(PARTS)


SETTINGS = """[mypy]
strict = true
ignore_missing_imports = true
# what a framework keeps for its application has no type
warn_return_any = false
[mypy-paycools_async.*]
ignore_errors = true
"""


# -- types ----------------------------------------------------------------------------------------------------------


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


# -- runs -----------------------------------------------------------------------------------------------------------


async def run_page(page: str, **given: object) -> None:
    """The page's blocks, as one program, in the folder where the test is."""
    path = ROOT / "docs" / page
    code = compile(story(list(blocks_of(path))), str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = cast("Callable[[], Awaitable[None]]", types.FunctionType(code, {"__name__": "page", **given}))()
    if inspect.isawaitable(running):
        await running


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
async def test_a_guide_runs_and_prints_what_it_says(
    page: Path,
    fake_paycools: FakePayCools,
    paycools_ph: PayCoolsPH,
    paycools_global: PayCoolsGlobal,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []
    for code, shown in re.findall(PRINTS, page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        said += [*re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE), *shown.splitlines()]
    assert said, "a guide shows what its code does"
    given = {"fake": fake_paycools, "paycools": paycools_ph, "paycools_global": paycools_global}
    await run_page(str(page.relative_to(ROOT / "docs")), **given)
    assert capsys.readouterr().out.splitlines() == said


@pytest.mark.parametrize("client", [PayCoolsPH, PayCoolsGlobal])
def test_every_product_has_a_guide(client: type[PayCoolsPH] | type[PayCoolsGlobal]) -> None:
    name = "paycools" if client is PayCoolsPH else "paycools_global"
    shown = "\n".join(page.read_text("utf-8") for page in GUIDES)
    assert [product for product in client._products if f"{name}.{product}" not in shown] == []


def write_file(name: str, order_ids: list[str]) -> None:
    lines = [[order_id, *cells[1:]] for order_id, cells in zip(order_ids, rows(len(order_ids)), strict=True)]
    with Path(name).open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *lines])


@pytest.fixture
def settings(key_pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Point `PayCoolsPH.from_env()` at a sandbox, in a folder of its own."""

    def point(base_url: str) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PAYCOOLS_PH_BASE_URL", base_url)
        monkeypatch.setenv("PAYCOOLS_PH_APP_ID", "f90addc4861540ef9312e87d8f360e08")
        monkeypatch.setenv("PAYCOOLS_PH_APP_NAME", "Sandbox Merchant")
        monkeypatch.setenv("PAYCOOLS_PH_PRIVATE_KEY", key_pem)

    return point


async def test_the_page_about_files_from_python_runs(
    key: PrivateKey, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakePayCools(private_key=key)
    fake.payouts.settle_after = 0.0
    async with Sandbox(fake) as sandbox:
        settings(sandbox.base_url)
        write_file("salaries.csv", ["SALARY1", "SALARY2", "SALARY3"])
        write_file("bonus.csv", ["BONUS1"])
        write_file("bonus2.csv", ["BONUS2", "BONUS3"])
        await run_page("batches.md")
    assert sorted(payout.order_id for payout in fake.payouts.paid) == ["BONUS1", "SALARY1", "SALARY2", "SALARY3"]
    said = capsys.readouterr().out
    assert "3 150030 PHP\n" in said
    assert "3 paid, 0 failed\n" in said
    assert "bonus.csv: nobody said yes\n()\n" in said
    assert "2 taken back; 0 stay" in said
    written = sorted(path.name for path in Path("report").iterdir())
    assert written == ["failures.csv", "payouts.csv", "report.html", "summary.json"]


@pytest.mark.parametrize("page", ["../README.md", "getting_started.md"])
async def test_the_first_example_of_a_newcomer_pays(
    page: str, key: PrivateKey, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakePayCools(private_key=key)
    fake.payouts.settle_after = 0.0
    async with Sandbox(fake) as sandbox:
        settings(sandbox.base_url)
        await run_page(page)
    assert [payout.order_id for payout in fake.payouts.paid] == ["SALARY2026110001"]
    assert capsys.readouterr().out == "COMPLETE\n"


async def test_the_page_about_durable_payouts_runs(
    key: PrivateKey, settings: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakePayCools(private_key=key)
    fake.payouts.settle_after = 0.0
    async with Sandbox(fake) as sandbox:
        settings(sandbox.base_url)
        await run_page("durable_payouts.md")
    assert sorted(payout.order_id for payout in fake.payouts.paid) == ["LOAN0001", "LOAN0002"]
    said = capsys.readouterr().out
    assert "LOAN0001 settled True\n" in said
    assert "None\n" in said
    assert "True 0 " in said
