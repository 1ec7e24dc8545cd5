"""What an uploaded file would do, row by row, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Problem:
    """What is wrong, where, and what to do about it; rows count from 1 as spreadsheets do, 0: the whole file.

    column is a letter as spreadsheets have it and header what stands above it, sheet a name; "" where the
    file has none, or all are meant.
    """

    row: int
    reason: str
    column: str = ""
    sheet: str = ""
    header: str = ""


class RowState(Enum):
    """What becomes of a row."""

    UNCHANGED = "UNCHANGED"
    NEW = "NEW"
    CHANGED = "CHANGED"
    CONFLICT = "CONFLICT"  # somebody else changed it since the download
    ERROR = "ERROR"


@dataclass(frozen=True)
class Change:
    """A cell that would be written: what is stored, what the file says, both in words; "" is empty.

    A conflict is where somebody else changed what is stored since the download. header is what stands above
    the cell, where that is not the label.
    """

    label: str
    before: str
    after: str
    conflict: bool = False
    header: str = ""


@dataclass
class Row:
    """A row of the file as it was understood: what it is about, and what it would change."""

    sheet: str
    number: int
    title: str  # such as K1-1 外賓邀訪 · 次數
    tell: Callable[[], Sequence[tuple[str, str]]] = tuple
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_new: bool = False  # whether nothing was stored before

    @property
    def values(self) -> Sequence[tuple[str, str]]:
        """The row's values as they were understood, each with its label."""
        return self.tell()  # of thousands of rows few are shown

    @property
    def state(self) -> RowState:
        if self.problems:
            return RowState.ERROR
        if any(change.conflict for change in self.changes):
            return RowState.CONFLICT
        if not self.changes:
            return RowState.UNCHANGED
        return RowState.NEW if self.is_new else RowState.CHANGED


@dataclass
class Preview:
    """All that a file would do; problems are those that belong to no single row."""

    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)

    def count(self, state: RowState) -> int:
        return sum(row.state is state for row in self.rows)

    @property
    def all_problems(self) -> list[Problem]:
        """Every problem, in the order of the file."""
        found = [*self.problems, *(problem for row in self.rows for problem in row.problems)]
        return sorted(found, key=lambda problem: (problem.sheet, problem.row))

    @property
    def can_be_applied(self) -> bool:
        return not self.all_problems and not self.count(RowState.CONFLICT)
