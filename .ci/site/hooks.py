"""What the site needs besides MkDocs: links into the source are names there, and each page stands as text beside it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """The page, where what is not on the site (source, tests, folders) is named and not linked."""
    root = Path(config["docs_dir"]).resolve()
    folder = (root / page.file.src_uri).parent

    def kept(found: re.Match[str]) -> str:
        text, target = found[1], found[2]
        if "://" in target:
            return found[0]
        path = (folder / target).resolve()
        if root in path.parents and not path.is_dir():
            return found[0]
        name = path.relative_to(root.parent).as_posix()
        return f"`{name}`" if text.strip("`") in (path.name, "tests", "verify") else f"{text} (`{name}`)"

    return LINK.sub(kept, markdown)


def on_post_build(*, config: Any, **_: Any) -> None:
    """Every page as Markdown beside its HTML, as llms.txt names them."""
    source, site = Path(config["docs_dir"]), Path(config["site_dir"])
    for page in source.rglob("*.md"):
        target = site / page.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, target)
