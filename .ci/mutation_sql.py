"""Changes to SQL for cosmic-ray, which by itself changes only Python: in the strings of a module that hold SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Operator

__all__ = ["OPERATORS", "Provider"]

_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|AND|OR|SET|CASE|ORDER BY)\b|\w (=|<>|<=|>=|IN) ")
_NEXT = re.compile(
    r"\b(AND|OR|WHERE|ORDER|GROUP|RETURNING|FOR|LIMIT|HAVING|UNION|THEN|WHEN|ELSE|END|ON|EXECUTE|BEGIN|JOIN|FROM)\b"
    r"|[;\"]"
)
_ASSIGNED = r"\w+ = [\w.:()' +-]+"
_PLACE = re.compile(r"\?|%s")
"""A parameter that is known by its place: without it the others would be wrong too, which anybody notices."""

Edit = tuple[int, int, str]


def _end_of_condition(text: str, start: int) -> int:
    """Where the condition that begins there ends: at the next word of the same depth, or a bracket that closes."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth < 0:
                return at
        elif depth == 0 and _NEXT.match(text, at):
            return at
    return len(text)


def _conditions(text: str) -> Iterator[Edit]:
    """One condition less, or, where it goes on in another string or holds a `?`, an OR for its AND."""
    for found in re.finditer(r"\bAND\b", text):
        end = _end_of_condition(text, found.end())
        if _PLACE.search(text, found.end(), end) or (
            end == len(text) and re.search(r"([=<>,(]|\b(AND|IN|NOT))\s*$", text)
        ):
            yield found.start(), found.end(), "OR"
        else:
            yield found.start(), end, ""
    for found in re.finditer(r"\b(?:WHERE|ON|WHEN)\b", text):
        end = _end_of_condition(text, found.end())
        if text.startswith("AND", end) and not _PLACE.search(text, found.end(), end):
            yield found.end(), end + 3, ""


def _assignments(text: str) -> Iterator[Edit]:
    for part in re.finditer(r"\bSET\b(.*?)(?=\bWHERE\b|\bFROM\b|\bRETURNING\b|\Z)", text, re.DOTALL):
        for found in re.finditer(rf"(?<=[\s,]){_ASSIGNED},\s|,\s+{_ASSIGNED}(?=\s+\Z)", part[1]):
            if found[0].count("(") == found[0].count(")"):
                yield part.start(1) + found.start(), part.start(1) + found.end(), ""


def _numbers(text: str) -> Iterator[Edit]:
    for found in re.finditer(r"(?<![\w.$%'-])\d+(?![\w.'])", text):
        before = text[: found.start()]
        if not re.search(r"((GROUP|ORDER) BY [\d, A-Z]*|(LIMIT|SELECT|user_version =) )$", before):
            yield found.start(), found.end(), "0" if before.endswith("+ ") else str(int(found[0]) + 1)


_SWAPS = {
    "Comparison": [(r" <= ", " < "), (r" < ", " <= "), (r" >= ", " > "), (r" > ", " >= "), (r" <> ", " = ")],
    "Not": [
        (r"(?<!IF )\bNOT (?=IN\b|EXISTS\b|\()", ""),
        (r"\bIS NULL\b", "IS NOT NULL"),
        (r"\bIS NOT NULL\b", "IS NULL"),
    ],
    "Extreme": [(r"\bmin\(", "max("), (r"\bmax\(", "min("), (r"\bgreatest\(", "least("), (r"\bleast\(", "greatest(")],
    "Lock": [(r" FOR UPDATE\b( OF \w+)?( SKIP LOCKED)?", ""), (r" SKIP LOCKED\b", "")],
    "Order": [
        (r" DESC\b", ""),
        (r"(?<=ORDER BY )[\w.]+( <> \d)?( DESC)?, ", ""),
        (r" ORDER BY [^,{}()]+?(?=\)| LIMIT|\s*\"*\Z)", ""),
    ],
    "Truth": [(r"\btrue\b", "false"), (r"\bfalse\b", "true")],
}


def _edits(kind: str, text: str) -> list[Edit]:
    if kind == "Condition":
        return list(_conditions(text))
    if kind == "Assignment":
        return list(_assignments(text))
    if kind == "Number":
        return list(_numbers(text))
    return [(each.start(), each.end(), new) for old, new in _SWAPS[kind] for each in re.finditer(old, text)]


class _InSQL(Operator):  # type: ignore[misc]
    kind = ""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if _holds_sql(node):
            for _ in _edits(self.kind, node.value):
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        start, end, new = _edits(self.kind, node.value)[index]
        return type(node)(node.value[:start] + new + node.value[end:], node.start_pos, prefix=node.prefix)

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


def _holds_sql(node: Any) -> bool:
    if node.type == "string":
        return node.parent.type != "simple_stmt" and bool(_SQL.search(node.value))  # that is a docstring
    if node.type != "fstring_string":
        return False
    return bool(_SQL.search("".join(each.value for each in node.parent.children if each.type == "fstring_string")))


OPERATORS = {kind: type(kind, (_InSQL,), {"kind": kind}) for kind in ("Condition", "Assignment", "Number", *_SWAPS)}


class Provider:
    """What cosmic-ray asks for operators."""

    def __iter__(self) -> Iterator[str]:
        return iter(OPERATORS)

    def __getitem__(self, name: str) -> type[Any]:
        return OPERATORS[name]
