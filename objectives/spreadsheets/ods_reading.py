"""OpenDocument spreadsheets (ODS), read in a stream."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .archive import Archive
from .cells import composed, duration_cell, moment_cell, number_cell, percent_cell, text_cell
from .parsing import Listener
from .sheets import MAX_TEXT, Bad, Content, Gathering, RowCells, Sheet, SheetProblem, SheetRefused

OASIS = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
SPACES = {space: OASIS.format(space) for space in ("office", "table", "text")}
SPACES["draw"] = OASIS.format("drawing")
SPACES["calcext"] = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
WORDS = {
    "office": "spreadsheet annotation value-type value date-value time-value boolean-value string-value",
    "table": "table table-source table-row table-cell covered-table-cell name formula"
    " number-columns-repeated number-rows-repeated",
    "text": "p s c tab line-break ruby-text note",
    "calcext": "value-type",
    "draw": "frame custom-shape g rect line ellipse caption control",
}
NAMES = {f"{SPACES[space]} {word}": f"{space}:{word}" for space in WORDS for word in WORDS[space].split()}

CELLS = {"table:table-cell", "table:covered-table-cell"}
BLANKS = {"text:s": " ", "text:tab": "\t", "text:line-break": "\n"}
DRAWINGS = {f"draw:{each}" for each in WORDS["draw"].split()}
ASIDE = {"office:annotation", "text:ruby-text", "text:note"} | DRAWINGS  # not of the text they stand in
VALUES = {  # of each type: the attribute that has it, and how it reads
    "float": ("office:value", number_cell),
    "percentage": ("office:value", percent_cell),
    "currency": ("office:value", number_cell),
    "date": ("office:date-value", moment_cell),
    "time": ("office:time-value", duration_cell),
    "boolean": ("office:boolean-value", str.upper),
    "string": ("office:string-value", text_cell),
}

ERROR = re.compile(r"Err:[0-9]{3}|#(?:N/A|DIV/0!|NAME\?|NULL!|NUM!|REF!|VALUE!)")


def read_ods(data: bytes) -> list[Sheet]:
    """Read every table, hidden ones too. Raises SheetRefused, and what parsers raise."""
    gathering = Gathering()
    Archive(data).parse("content.xml", _Cells(gathering), NAMES)
    return gathering.sheets


class _Cells(Listener):
    """The tables' rows and cells. Of texts only a cell's own paragraphs count, not those of drawings in it.

    Blanks count as they stand there, since the programs write and read them so.
    The place of an element that is open is its depth, 0 while there is none.
    """

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._spreadsheet = self._table = self._row = self._cell = self._paragraph = self._aside = 0
        self._number = 0  # of the rows before the one that is open
        self._rows = 1  # that the open one stands for
        self._cells = RowCells()
        self._column = 0
        self._attributes: Mapping[str, str] = {}
        self._paragraphs: list[str] = []
        self._parts: list[str] = []
        self._left = 0  # characters that the cell may still have
        self._room = 0  # the same while they are to be kept

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1
        if self._aside:
            return
        if name == "text:p":
            self._begin_paragraph()
        elif name in CELLS:
            self._begin_cell(attributes)
        elif name == "table:table-row":
            self._begin_row(attributes)
        elif name in ASIDE:
            self._begin_aside()
        elif name in BLANKS:
            self._add_blank(name, attributes)
        elif name == "table:table":
            self._begin_table(attributes)
        elif name == "office:spreadsheet":
            self._spreadsheet = self._depth()
        elif name == "table:table-source" and self._table:
            self._drop_table()

    def end(self, name: str) -> None:
        place = self.opened - self.closed
        self.closed += 1
        if place == self._paragraph:
            self._end_paragraph()
        elif place == self._cell:
            self._end_cell()
        elif place == self._row:
            self._end_row()
        elif place == self._aside:
            self._aside = 0
            self._room = self._left if self._paragraph else 0
        elif place == self._table:
            self._table = 0

    def text(self, data: str) -> None:
        self.characters += len(data)
        if self._room > 0:
            self._parts.append(data)
            self._room -= len(data)

    def _depth(self) -> int:
        return self.opened - self.closed

    def _begin_table(self, attributes: Mapping[str, str]) -> None:
        """Begin a sheet; a table elsewhere, in a cell or among links, is none."""
        if self._table or self._depth() != self._spreadsheet + 1:
            self._begin_aside()
            return
        self._table = self._depth()
        self._number = 0
        self._gathering.begin(composed(attributes["table:name"]))

    def _drop_table(self) -> None:
        """Forget a table that is only a copy of another file's."""
        self._gathering.drop()
        self._table = 0

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        if self._table:
            self._row = self._depth()
            self._rows = _times(attributes.get("table:number-rows-repeated"))
            self._column = 0
            if self._cells.texts:
                self._cells = RowCells()

    def _end_row(self) -> None:
        self._row = 0
        self._gathering.add(self._number + 1, self._cells, self._rows)
        self._number += self._rows

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        if self._row:
            self._cell = self.opened - self.closed
            self._attributes = attributes
            self._paragraphs.clear()
            self._left = MAX_TEXT + 2

    def _end_cell(self) -> None:
        self._cell = 0
        times = _times(self._attributes.get("table:number-columns-repeated"))
        self._cells.put(self._column + 1, self._content(), times)
        self._column += times

    def _begin_paragraph(self) -> None:
        place = self.opened - self.closed
        if self._cell and place == self._cell + 1:
            self._paragraph = place
            self._parts.clear()
            self._room = self._left

    def _end_paragraph(self) -> None:
        if self._room > 0:
            self._paragraphs.append("".join(self._parts))
        self._left, self._room = self._room - 1, 0
        self._paragraph = 0

    def _begin_aside(self) -> None:
        self._aside = self._depth()
        if self._paragraph:
            self._left, self._room = self._room, 0

    def _add_blank(self, name: str, attributes: Mapping[str, str]) -> None:
        if self._paragraph:
            times = _times(attributes.get("text:c"))
            self._parts.append(BLANKS[name] * min(times, max(self._room, 0)))
            self._room -= times

    def _content(self) -> Content:
        attributes = self._attributes
        is_formula = "table:formula" in attributes
        text = "\n".join(self._paragraphs)
        kind = attributes.get("office:value-type")
        if attributes.get("calcext:value-type") == "error" or (is_formula and ERROR.fullmatch(text)):
            return Bad.ERROR_VALUE
        value = self._value(kind) if kind else None
        if value is not None:
            return value
        if is_formula and not (kind == "string" and self._paragraphs):
            return Bad.NO_CACHED_VALUE
        return text_cell(text) if self._left > 0 else Bad.TOO_LONG

    def _value(self, kind: str) -> Content | None:
        """Return what the attribute for this type of value says; None where there is none."""
        name, read = VALUES[kind]
        value = self._attributes.get(name)
        if value is None:
            return None
        self.characters += len(value)
        return read(value)


def _times(repeated: str | None) -> int:
    times = int(repeated or 1)
    if times < 1:
        raise SheetRefused(SheetProblem.MALFORMED)
    return times
