"""Open enums: the known values by name, unknown text kept as it is.

PayCools publishes few complete lists, so no enum is closed: `TransactionStatus("NEW_WORD").value == "NEW_WORD"`.
"""

from __future__ import annotations

import enum
from typing import Any, Self

__all__ = ["OpenEnum", "OpenNumber"]


class OpenEnum(enum.StrEnum):
    """A text enum that never refuses: aliases and letter case are folded, unknown text is kept."""

    @classmethod
    def _aliases(cls) -> dict[str, str]:
        return {}

    @classmethod
    def of(cls, text: str) -> Self:
        """`cls(text)`, without enum's long way round where the text is known under another name."""
        known = cls._known(text)
        return cls(text) if known is None else known

    @classmethod
    def _known(cls, text: str) -> Self | None:
        members: Any = cls._value2member_map_
        folded = text.upper()
        found: Self | None = members.get(text) or members.get(cls._aliases().get(folded, folded))
        return found

    @classmethod
    def _missing_(cls, value: Any) -> Self | None:
        if not isinstance(value, str):
            return None
        known = cls._known(value)
        if known is not None:
            return known
        unknown = str.__new__(cls, value)
        unknown._name_ = unknown._value_ = value
        return unknown

    @property
    def known(self) -> bool:
        """Whether this SDK has a name for it."""
        return self._value_ in type(self)._value2member_map_


class OpenNumber(enum.IntEnum):
    """An int enum that never refuses a number; digits in a text count as one. Unknown numbers are kept."""

    @classmethod
    def _folded(cls, number: int) -> int:
        """The known spelling of a number."""
        return number

    @classmethod
    def _missing_(cls, value: Any) -> Self | None:
        if isinstance(value, bool) or not isinstance(value, int | str):
            return None
        number = int(value)  # ValueError for a text that is no number
        folded = cls._folded(number)
        if folded in cls._value2member_map_:
            return cls(folded)
        unknown = int.__new__(cls, number)
        unknown._name_, unknown._value_ = str(number), number
        return unknown

    @property
    def known(self) -> bool:
        """Whether this SDK has a name for it."""
        return self._value_ in type(self)._value2member_map_
