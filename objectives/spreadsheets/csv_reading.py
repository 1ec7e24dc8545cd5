"""CSV files, read with no limit of the process's own: the csv module has one for all its readers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cells import text_cell
from .sheets import MAX_ROWS, Gathering, RowCells, Sheet, SheetProblem, SheetRefused

ENCODINGS = ("utf-8-sig", "cp950")  # the latter is Big5 as Taiwan's spreadsheets save it
SEPARATORS = ",;\t"
LAST_ROW = 1_048_576  # as far as spreadsheets go at all, be it empty


def read_csv(data: bytes) -> list[Sheet]:
    """Read the file as one sheet without a name. Raises SheetRefused."""
    text = _decoded(data)
    gathering = Gathering()
    gathering.begin("")
    for number, row in enumerate(_rows(text.rstrip("\r\n"), _separator(text)), start=1):
        if number > LAST_ROW:
            raise SheetRefused(SheetProblem.TOO_MANY_ROWS, limit=MAX_ROWS)
        gathering.add(number, row)
    return gathering.sheets


def _decoded(data: bytes) -> str:
    if b"\0" in data:
        raise SheetRefused(SheetProblem.NOT_TEXT)
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetRefused(SheetProblem.UNKNOWN_ENCODING)


def _separator(text: str) -> str:
    """Return what separates the cells of the first line: a comma unless it has none but another."""
    header = text.lstrip("\r\n").partition("\n")[0]
    return next((each for each in SEPARATORS if each in header), ",")


def _rows(text: str, separator: str) -> Iterator[RowCells]:
    """Give the rows, empty ones too. Raises SheetRefused with the row where a quotation mark is left open."""
    cell = re.compile(
        rf"(?P<empty>{separator}*+)"
        rf'(?:"(?P<quoted>[^"]*+(?:""[^"]*+)*+)"|(?P<plain>[^"{separator}\r\n][^{separator}\r\n]*+)?)'
        rf"(?P<end>{separator}|\r\n|[\r\n]|\Z)"
    )
    place, number = 0, 1
    row, column = RowCells(), 0
    while match := cell.match(text, place):
        empty, quoted, plain, end = match.groups()
        column += len(empty) + 1
        if content := plain or (quoted and quoted.replace('""', '"')):
            row.put(column, text_cell(content))
        if end != separator:
            yield row
            row = RowCells() if row.texts else row
            column, number = 0, number + 1
        if not end:
            return
        place = match.end()
    raise SheetRefused(SheetProblem.OPEN_QUOTE, row=number)
