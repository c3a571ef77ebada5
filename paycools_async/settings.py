"""Settings from the environment: what surrounds them is taken away, what does not belong there is refused by name.

Every variable has another that ends in `_FILE` and names a file, as Docker and Kubernetes hand over secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .errors import ConfigurationError
from .storage.regular_file import read_small
from .texts import text_fault

__all__ = ["MOST_BYTES", "is_set", "key_setting", "setting"]

MOST_BYTES = 65_536
"""Of a file that holds a setting or a key."""

_QUOTES = "\"'`\u201c\u201d\u2018\u2019"
_AROUND = "\ufeff"


def is_set(env: Mapping[str, str], variable: str) -> bool:
    """Whether there is a value, or a file that should hold one."""
    return bool(env.get(variable) or env.get(f"{variable}_FILE"))


def setting(env: Mapping[str, str], variable: str) -> str | None:
    """The value of a variable, or of the file that NAME_FILE names; None where neither is set.

    Blanks and line breaks around it are left out. Raises ConfigurationError, naming the variable and never the value.
    """
    name, value = _given(env, variable)
    if value is None:
        return None
    value = value.strip().strip(_AROUND).strip()
    if not value:
        raise ConfigurationError(f"{name}: holds nothing but blanks")
    if value[0] in _QUOTES and value[-1] in _QUOTES:
        raise ConfigurationError(f"{name}: quotation marks stand around the value; take them away")
    fault = text_fault(value)
    if fault is not None:
        raise ConfigurationError(f"{name}: {fault}")
    return value


def key_setting(env: Mapping[str, str], variable: str) -> tuple[str, str] | None:
    """The name and the text of a key's variable, or of its file; a key has lines, and may stand in quotes."""
    name, value = _given(env, variable)
    return None if value is None else (name, value)


def _given(env: Mapping[str, str], variable: str) -> tuple[str, str | None]:
    file_variable = f"{variable}_FILE"
    value, path = env.get(variable), env.get(file_variable)
    if not path:
        return variable, value or None
    if value:
        raise ConfigurationError(f"{variable} and {file_variable} are both set; leave one")
    return file_variable, _content(file_variable, path)


def _content(file_variable: str, path: str) -> str:
    try:
        content = read_small(Path(path.strip()).expanduser(), MOST_BYTES)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise ConfigurationError(f"{file_variable}: its file cannot be read: {why}") from None
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{file_variable}: its file has more than {MOST_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if content and not text:
        raise ConfigurationError(f"{file_variable}: its file is not UTF-8")
    if not text.strip():
        raise ConfigurationError(f"{file_variable}: its file is empty")
    return text
