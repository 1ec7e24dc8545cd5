"""Where a variable stands in a formula: above the division, below it, or in a formula without one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import Enum

from indicators.formula import Formula


class Place(Enum):
    """A variable's place; the value is the word in files."""

    NUMERATOR = "分子"
    DENOMINATOR = "分母"
    BOTH = "分子及分母"
    PART = "構成項"
    MEMO = "備查"


def places(formula: Formula) -> dict[str, Place]:
    """Return the place of each name of the formula; a name that is missing is in no place (備查)."""
    above: set[str] = set()
    below: set[str] = set()
    for name, is_below in _names(formula.tree, below=None):
        if is_below is not None:
            (below if is_below else above).add(name)
    return {name: _place(name in above, name in below) for name in formula.names}


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
