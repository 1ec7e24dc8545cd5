"""Where a variable stands in a formula: above the division, below it, or in a formula without one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import Enum


class Place(Enum):
    """A variable's place; the value is the word in files."""

    NUMERATOR = "分子"
    DENOMINATOR = "分母"
    BOTH = "分子及分母"
    PART = "構成項"
    MEMO = "備查"


def places(formula: str) -> dict[str, Place]:
    """Return the place of each name of a formula that was checked; a name not in it has none (備查).

    It is only parsed: to compile thousands of them would take longer than to read their figures.
    """
    found: dict[str, set[bool | None]] = {}
    for name, below in _names(ast.parse(formula.strip(" "), mode="eval").body, below=None):
        found.setdefault(name, set()).add(below)
    return {name: _place(False in where, True in where) for name, where in found.items()}


def _place(above: bool, below: bool) -> Place:
    if above and below:
        return Place.BOTH
    if above or below:
        return Place.NUMERATOR if above else Place.DENOMINATOR
    return Place.PART


def _names(node: ast.AST, *, below: bool | None) -> Iterator[tuple[str, bool | None]]:
    """Yield each name with whether it stands below a division; None: neither above nor below one.

    The divisor of a divisor is above again.
    """
    if isinstance(node, ast.Name):
        yield node.id, below
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        turned = bool(below)
        yield from _names(node.left, below=turned)
        yield from _names(node.right, below=not turned)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child, below=below)
