"""A workbook that people fill in: cells that are open or locked, what may be typed into them, notes on them.

Unlike a `Table` it is small, every cell of it can look different, and it comes back. Protection is guidance:
it has no password, and what comes back is checked like any other file.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class FormSheet:
    """A sheet; widths are in characters of Latin script, frozen says how many rows and columns stay there."""

    name: str
    widths: Sequence[int]
    rows: Sequence[Sequence[FormCell]]
    frozen: tuple[int, int] = (0, 0)
    hidden: frozenset[int] = field(default=frozenset())  # columns, from 0
    protected: bool = True
