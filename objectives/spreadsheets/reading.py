"""What is read of an uploaded spreadsheet: every cell as the text that a person would type for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

MAX_SIZE = 5 * 1024 * 1024  # bytes of a file
MAX_ROWS = 20_000  # of all sheets together
MAX_COLUMNS = 64
MAX_SHEETS = 16
MAX_TEXT = 32_767  # characters of a cell, which is also what a spreadsheet program takes


class Bad(Enum):
    """Why a cell cannot be read."""

    NO_CACHED_VALUE = "NO_CACHED_VALUE"  # a formula that no program has computed
    ERROR_VALUE = "ERROR_VALUE"  # such as #DIV/0!
    TOO_LONG = "TOO_LONG"


@dataclass(frozen=True)
class Sheet:
    """A sheet: its rows that hold anything, by their number in the file (from 1), each from column A on.

    A cell is its text in NFC, "" where it is empty: a number plainly in digits (15 significant ones, as a
    spreadsheet shows them), a day as 2010-03-31, a moment as 2010-03-31T14:05:00, a truth value as TRUE or
    FALSE; of a formula what it came to. One apostrophe that protects a text is taken off. bad has the cells
    that cannot be read, by (row, column), both from 1; their text is "".
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
    """A file cannot be read: `problem` says why; `details` may have limit, sheet, row and column."""

    def __init__(self, problem: SheetProblem, **details: object) -> None:
        super().__init__(problem, details)
        self.problem = problem
        self.details = details


def read_sheets(data: bytes, extension: str) -> list[Sheet]:
    import csv
    import io
    import unicodedata

    if b"\0" in data:
        raise SheetRefused(SheetProblem.NOT_TEXT)
    for enc in ("utf-8-sig", "cp950"):
        try:
            text = unicodedata.normalize("NFC", data.decode(enc))
            break
        except UnicodeDecodeError:
            continue
    else:
        raise SheetRefused(SheetProblem.UNKNOWN_ENCODING)
    r = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [Sheet("", [(i, row) for i, row in enumerate(r, 1) if row])]
    except csv.Error:
        raise SheetRefused(SheetProblem.OPEN_QUOTE, row=1)
