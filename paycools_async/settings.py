"""Settings from the environment: what surrounds them is taken away, what does not belong there is refused by name.

Every variable has another that ends in `_FILE` and names a file, as Docker and Kubernetes hand over secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from .errors import ConfigurationError
from .storage.regular_file import read_small
from .texts import text_fault

__all__ = ["MOST_BYTES", "is_set", "key_setting", "parse_paths", "paths_setting", "setting", "unmeant"]

MOST_BYTES = 65_536
"""Of a file that holds a setting or a key."""

_QUOTES = "\"'`\u00b4\u201a-\u201f\u2018\u2019\u2032\u2033\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f\uff02\uff07"
_QUOTED = re.compile(f"[{_QUOTES}]")
_UNFILLED = re.compile(r"\$\{.*\}|\$\(.*\)|\$[A-Z][A-Z0-9_]*|%[A-Za-z_]\w*%|\{\{.*\}\}|<.*>", re.ASCII)
_ASSIGNED = re.compile(
    r"(?:export\s+)?(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|SECRET|KEY|TOKEN|NAME|ID|ENVIRONMENT|URL)\s*=(?!=*\Z).+", re.ASCII
)
_NOTHING = frozenset({"none", "null", "nan", "undefined"})
_AROUND = "\ufeff"


def is_set(env: Mapping[str, str], variable: str) -> bool:
    """Whether there is a value, or a file that should hold one."""
    return bool(env.get(variable) or env.get(f"{variable}_FILE"))


def setting(
    env: Mapping[str, str], variable: str, may_end_quoted: Callable[[str], bool] = lambda value: False
) -> str | None:
    """The value of a variable, or of the file that NAME_FILE names; None where neither is set.

    Blanks and line breaks around it are left out. `may_end_quoted`: whether such a value may hold quotation marks and
    equals signs, as a libpq string does. Raises ConfigurationError, naming the variable and never the value.
    """
    name, value = _given(env, variable)
    if value is None:
        return None
    value = value.strip().strip(_AROUND).strip()
    if not value:
        raise ConfigurationError(f"{name}: holds nothing but blanks")
    fault = (None if may_end_quoted(value) else unmeant(value)) or text_fault(value)
    if fault is not None:
        raise ConfigurationError(f"{name}: {fault}")
    return value


_BETWEEN_PATHS = re.compile(r"[,;\s]+(?=[\w.]+=)")


def paths_setting(env: Mapping[str, str], variable: str) -> dict[str, str] | None:
    """The paths of endpoints in a variable, by id: "ph.ekyc.init=/a,ph.ekyc.query=/b"; None where it is not set.

    Raises ConfigurationError.
    """
    value = setting(env, variable)
    return None if value is None else parse_paths(_BETWEEN_PATHS.split(value.strip(",;")), variable)


def parse_paths(texts: Iterable[str], name: str) -> dict[str, str]:
    """Paths by endpoint id, each written as id=/path. `name`: who said so. Raises ConfigurationError."""
    found: dict[str, str] = {}
    for text in texts:
        id, equals, path = text.strip().partition("=")
        if not equals or not id or not path.startswith("/"):
            raise ConfigurationError(f"{name}: give it as ENDPOINT=/path; `paycools endpoints` lists the endpoints")
        if found.setdefault(id, path) != path:
            raise ConfigurationError(f"{name}: {id} has two paths")
    return found


def unmeant(value: str) -> str | None:
    """What a value is instead of the setting itself; None where it may be one. Never holds the value."""
    first, last = _QUOTED.match(value), _QUOTED.match(value[-1:])
    if first and last:
        return "quotation marks stand around the value; take them away"
    if first or last:
        return f"a quotation mark stands at the {'beginning' if first else 'end'} of the value; take it away"
    if _UNFILLED.fullmatch(value):
        return "is a variable or a placeholder that nobody filled in"
    if _ASSIGNED.fullmatch(value):
        return "holds NAME=value; only the value belongs there"
    if value.casefold() in _NOTHING:
        return "is what programs write where nothing stands"
    return None


def key_setting(env: Mapping[str, str], variable: str) -> tuple[str, str | bytes] | None:
    """The name and the text of a key's variable, or what is in its file, which need not be text."""
    file_variable, path = _file_of(env, variable)
    if path:
        return file_variable, _content(file_variable, path)
    value = env.get(variable)
    return (variable, value) if value else None


def _given(env: Mapping[str, str], variable: str) -> tuple[str, str | None]:
    file_variable, path = _file_of(env, variable)
    return (file_variable, _text(file_variable, path)) if path else (variable, env.get(variable) or None)


def _file_of(env: Mapping[str, str], variable: str) -> tuple[str, str | None]:
    file_variable = f"{variable}_FILE"
    path = env.get(file_variable)
    if path and env.get(variable):
        raise ConfigurationError(f"{variable} and {file_variable} are both set; leave one")
    return file_variable, path


def _content(file_variable: str, path: str) -> bytes:
    try:
        content = read_small(Path(path.strip()).expanduser(), MOST_BYTES)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise ConfigurationError(f"{file_variable}: its file cannot be read: {why}") from None
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{file_variable}: its file has more than {MOST_BYTES} bytes")
    if not content.strip():
        raise ConfigurationError(f"{file_variable}: its file is empty")
    return content


def _text(file_variable: str, path: str) -> str:
    content = _content(file_variable, path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass  # the error holds the content
    raise ConfigurationError(f"{file_variable}: its file is not UTF-8")
