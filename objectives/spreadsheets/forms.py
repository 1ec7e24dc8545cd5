"""A workbook that people fill in: cells that are open or locked, what may be typed into them, notes on them.

Unlike a `Table` it is small, every cell of it can look different, and it comes back. Protection is guidance:
it has no password, and what comes back is checked like any other file.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from .text import harmless

AUTHOR = "mofa_kpi"  # of notes


class Look(Enum):
    """What a cell is for, which its colour says."""

    TITLE = "title"  # of the workbook
    PLAIN = "plain"
    BOLD = "bold"
    HEADING = "heading"
    LOCKED = "locked"
    OPEN = "open"
    WRONG = "wrong"

    @property
    def is_open(self) -> bool:
        return self in (Look.OPEN, Look.WRONG)


BACKGROUNDS = {
    Look.HEADING: "#DCE6EE", Look.LOCKED: "#EFEFEF", Look.OPEN: "#FFFBE0", Look.WRONG: "#F6C7C3",
}  # fmt: skip


class Shape(Enum):
    """What a cell's content is shown as."""

    TEXT = "text"
    NUMBER = "number"  # as it is
    WHOLE = "whole"  # its thousands apart
    AMOUNT = "amount"  # the same, and its decimals


class Side(Enum):
    """Where a column's texts stand that do not begin at the left."""

    CENTRE = "center"
    RIGHT = "right"


@dataclass(frozen=True)
class Rule:
    """What may be typed into a cell, beside nothing; message is shown when something else is.

    Where there are words, nothing but one of them, unless a number may be typed as well. longest: of a text.
    """

    message: str
    words: tuple[str, ...] = ()
    number: bool = False
    whole: bool = False
    negative: bool = False
    longest: int | None = None

    @property
    def is_choice(self) -> bool:
        return bool(self.words) and not self.number


@dataclass(frozen=True)
class FormCell:
    """A cell; its text is made harmless when it is written."""

    value: str | int | Decimal | None = None
    look: Look = Look.PLAIN
    note: str = ""
    rule: Rule | None = None

    @property
    def text(self) -> str:
        return harmless(self.value) if isinstance(self.value, str) else ""

    @property
    def shape(self) -> Shape:
        if self.rule and self.rule.number:
            return Shape.WHOLE if self.rule.whole else Shape.AMOUNT
        return Shape.NUMBER if isinstance(self.value, int | Decimal) else Shape.TEXT


@dataclass(frozen=True)
class FormSheet:
    """A sheet; widths are in characters of Latin script, frozen says how many rows and columns stay there.

    Columns count from 0.
    """

    name: str
    widths: Sequence[int]
    rows: Sequence[Sequence[FormCell]]
    frozen: tuple[int, int] = (0, 0)
    hidden: frozenset[int] = field(default=frozenset())
    sides: Mapping[int, Side] = field(default_factory=dict)
    protected: bool = True

    def lines(self, row: int) -> int:
        """Return how many lines a row needs to show all that stands in it."""
        cells = [
            (cell.text, self.widths[column])
            for column, cell in enumerate(self.rows[row])
            if column < len(self.widths) and column not in self.hidden and cell.look is not Look.TITLE
        ]
        return max((_lines(text, width) for text, width in cells if text), default=1)


def _lines(text: str, width: int) -> int:
    return sum(1 + max(_wide(line) - 1, 0) // max(width - 1, 1) for line in text.split("\n"))


def _wide(line: str) -> int:
    """Return a text's width, rather too much than too little: a Chinese character is as two Latin ones."""
    wide = sum(unicodedata.east_asian_width(each) in "WFA" for each in line)
    return (len(line) + wide) * 11 // 10
