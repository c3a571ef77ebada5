"""The report's templates, which Jinja2 fills in: every value is a text, on one line, and never markup."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ...texts import shown_text

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["markup", "need_templates", "render"]

_FOLDER = Path(__file__).parent / "templates"
_MISSING = "the report needs Jinja2: pip install 'paycools-async[report]'"


def need_templates() -> None:
    """Raises ConfigurationError, with what to install, where a report could not be made."""
    _environment()


def render(name: str, **values: Any) -> str:
    """A template, filled in. Raises ConfigurationError where Jinja2 is not installed."""
    return _environment().get_template(name).render(**values)


def markup(text: str) -> Any:
    """What another template has made, which goes into this one as it is. Of nothing else."""
    from markupsafe import Markup  # it is Jinja2's

    return Markup(text)  # noqa: S704 - made by `render`, which has escaped whatever stands in it  # nosec B704


@functools.cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ModuleNotFoundError as error:
        if error.name not in ("jinja2", "markupsafe"):
            raise
        raise ConfigurationError(_MISSING) from None
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _seen(value: Any) -> Any:
    """Words that may not be ours: a few hundred characters of them, and nothing unseen."""
    return shown_text(value) if type(value) is str else value
