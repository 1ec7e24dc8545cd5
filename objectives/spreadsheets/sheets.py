"""Sheets as they were read, the limits of what is read, and why a file is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

MAX_SIZE = 5 * 1024 * 1024  # bytes of a file
MAX_ROWS = 20_000  # of all sheets together
MAX_COLUMNS = 64
MAX_SHEETS = 16
MAX_NAME = 100  # characters of a sheet's name, which every mistake in it repeats
MAX_TEXT = 32_767  # characters of a cell, which is also what a spreadsheet program takes
MAX_CHARACTERS = 12_000_000  # of all cells together, however often the file says them
MAX_BAD = 100_000  # cells that cannot be read; nobody mends more


class Bad(Enum):
    """Why a cell cannot be read."""

    NO_CACHED_VALUE = "NO_CACHED_VALUE"  # a formula that no program has computed
    ERROR_VALUE = "ERROR_VALUE"  # such as #DIV/0!
    TOO_LONG = "TOO_LONG"


Content = str | Bad
"""Of a cell."""


@dataclass(frozen=True)
class Sheet:
    """A sheet: its rows that hold anything, by their number in the file (from 1), each from column A on.

    A cell is its text in NFC, "" where it is empty: a number plainly in digits (15 significant ones, as a
    spreadsheet shows them), a percentage as 50%, a day as 2010-03-31, a moment as 2010-03-31T14:05:00
    (midnight as its day), a time as 14:05:00, a truth value as TRUE or FALSE; of a formula what it came to.
    An apostrophe that protects a text is taken off. bad has the cells that cannot be read, by (row, column),
    both from 1; their
    text is "".
    """

    name: str  # "" for CSV
    rows: Sequence[tuple[int, Sequence[str]]]
    bad: Mapping[tuple[int, int], Bad] = field(default_factory=dict)


class SheetProblem(Enum):
    """Why a whole file cannot be read."""

    MALFORMED = "MALFORMED"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    TOO_MANY_COLUMNS = "TOO_MANY_COLUMNS"
    TOO_MANY_SHEETS = "TOO_MANY_SHEETS"
    NOT_TEXT = "NOT_TEXT"
    UNKNOWN_ENCODING = "UNKNOWN_ENCODING"
    OPEN_QUOTE = "OPEN_QUOTE"


class SheetRefused(ValueError):
    """A file cannot be read: `problem` says why.

    `details` has the limit for TOO_MANY_ROWS, TOO_MANY_COLUMNS and TOO_MANY_SHEETS, the row for OPEN_QUOTE.
    """

    def __init__(self, problem: SheetProblem, **details: object) -> None:
        super().__init__(problem, details)
        self.problem = problem
        self.details = details


class RowCells:
    """The cells of one row while it is read."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.bad: dict[int, Bad] = {}

    def put(self, column: int, content: Content, times: int = 1) -> None:
        """Add a cell, or several alike; nothing is done with an empty one. Columns go upwards."""
        if content == "":
            return
        if column + times - 1 > MAX_COLUMNS:
            raise SheetRefused(SheetProblem.TOO_MANY_COLUMNS, limit=MAX_COLUMNS)
        texts = self.texts
        if gap := column - 1 - len(texts):
            texts += [""] * gap
        if isinstance(content, Bad):
            self.bad.update(dict.fromkeys(range(column, column + times), content))
            content = ""
        if times == 1:
            texts.append(content)
        else:
            texts += [content] * times


class Gathering:
    """The sheets of a file while they are read, within the limits that they have together."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self._rows: list[tuple[int, Sequence[str]]] = []
        self._bad: dict[tuple[int, int], Bad] = {}
        self._rows_left = MAX_ROWS
        self._bad_left = MAX_BAD
        self._characters_left = MAX_CHARACTERS

    def begin(self, name: str) -> None:
        if len(self.sheets) == MAX_SHEETS:
            raise SheetRefused(SheetProblem.TOO_MANY_SHEETS, limit=MAX_SHEETS)
        if len(name) > MAX_NAME:
            raise SheetRefused(SheetProblem.MALFORMED)
        self._rows, self._bad = [], {}
        self.sheets.append(Sheet(name, self._rows, self._bad))

    def drop(self) -> None:
        """Forget the sheet that was begun last."""
        self.sheets.pop()

    def add(self, number: int, cells: RowCells, times: int = 1) -> None:
        """Add a row to the sheet that was begun last, or several alike; nothing is done with an empty one."""
        if not cells.texts:
            return
        self._rows_left -= times
        self._bad_left -= times * len(cells.bad)
        self._characters_left -= times * sum(map(len, cells.texts))
        if number + times - 1 > MAX_ROWS or self._rows_left < 0:
            raise SheetRefused(SheetProblem.TOO_MANY_ROWS, limit=MAX_ROWS)
        if self._bad_left < 0 or self._characters_left < 0:
            raise SheetRefused(SheetProblem.TOO_LARGE)
        for row in range(number, number + times):
            self._rows.append((row, cells.texts))
            self._bad.update({(row, column): bad for column, bad in cells.bad.items()})
