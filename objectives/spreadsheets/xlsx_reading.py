"""Office Open XML workbooks (XLSX), read in a stream."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from .archive import Archive
from .cells import composed, moment_cell, number_cell, percent_cell, serial_cell, text_cell
from .number_formats import MAX_LENGTH, Shows, shows
from .parsing import Listener
from .sheets import (
    MAX_COLUMNS,
    MAX_SHEETS,
    MAX_TEXT,
    Bad,
    Content,
    Gathering,
    RowCells,
    Sheet,
    SheetProblem,
    SheetRefused,
)

MAX_RELATIONSHIPS = 2_000
MAX_FORMATS = 65_536  # what a spreadsheet program takes
MAX_STRINGS = 1_000_000

MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
RELATIONSHIPS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ELEMENTS = (
    "workbookPr", "sheet", "numFmt", "cellXfs", "xf", "si", "t", "rPh", "sheetData", "row", "c", "v", "f",
)  # fmt: skip
NAMES = {f"{space} {name}": name for space in MAIN for name in ELEMENTS}
NAMES |= {f"{space} id": "r:id" for space in RELATIONSHIPS}
NAMES[f"{PACKAGE} Relationship"] = "Relationship"

CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def read_xlsx(data: bytes) -> list[Sheet]:
    """Read every worksheet, hidden ones too. Raises SheetRefused, and what parsers raise."""
    archive = Archive(data)
    book = _Book.of(archive)
    gathering = Gathering()
    for name, part in book.sheets:
        gathering.begin(name)
        archive.parse(part, _Cells(book, gathering), NAMES)
    return gathering.sheets


@dataclass
class _Book:
    """What the sheets of a workbook need from its other parts; sheets are by name, with their parts."""

    sheets: list[tuple[str, str]]
    is_1904: bool
    strings: list[Content] = field(default_factory=list)
    styles: list[Shows] = field(default_factory=list)

    @classmethod
    def of(cls, archive: Archive) -> _Book:
        main = _Related.to(archive, "").only("/officeDocument")
        related = _Related.to(archive, main)
        listed = _Workbook()
        archive.parse(main, listed, NAMES)
        sheets = [(name, related.parts[key]) for name, key in listed.sheets if key in related.parts]
        worksheets = [(name, part) for name, (kind, part) in sheets if kind.endswith("/worksheet")]
        if len(worksheets) > MAX_SHEETS:
            raise SheetRefused(SheetProblem.TOO_MANY_SHEETS, limit=MAX_SHEETS)
        book = cls(worksheets, listed.is_1904)
        if part := related.find("/sharedStrings"):
            archive.parse(part, _Strings(book.strings), NAMES)
        if part := related.find("/styles"):
            archive.parse(part, _Styles(book.styles), NAMES)
        return book


COLUMNS = {chr(ord("A") + each): each + 1 for each in range(26)}
COLUMNS |= {f"{first}{second}": 26 * COLUMNS[first] + COLUMNS[second] for first in "AB" for second in COLUMNS}
COLUMNS = {letters: column for letters, column in COLUMNS.items() if column <= MAX_COLUMNS}


class _Related(Listener):
    """The parts that a part is related to: their kind and name by the relationship's id."""

    def __init__(self, folder: str) -> None:
        self.parts: dict[str, tuple[str, str]] = {}
        self._folder = folder

    @classmethod
    def to(cls, archive: Archive, part: str) -> _Related:
        folder, name = posixpath.split(part)
        related = cls(folder)
        archive.parse(posixpath.join(folder, "_rels", f"{name}.rels"), related, NAMES)
        return related

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1
        if name != "Relationship" or attributes.get("TargetMode") == "External":
            return
        if len(self.parts) == MAX_RELATIONSHIPS:
            raise SheetRefused(SheetProblem.TOO_LARGE)
        target = posixpath.normpath(posixpath.join("/", self._folder, attributes["Target"]))
        self.parts[attributes["Id"]] = attributes["Type"], target.lstrip("/")

    def find(self, kind: str) -> str | None:
        """Return the first part of a kind, of which only the end is given: it differs in strict files."""
        return next((part for each, part in self.parts.values() if each.endswith(kind)), None)

    def only(self, kind: str) -> str:
        part = self.find(kind)
        if part is None:
            raise SheetRefused(SheetProblem.MALFORMED)
        return part


class _Workbook(Listener):
    """The sheets' names and the ids of their relationships, and from when days are counted."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.is_1904 = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1
        if name == "workbookPr":
            self.is_1904 = attributes.get("date1904") in ("1", "true", "on")
        elif name == "sheet":
            if len(self.sheets) == MAX_RELATIONSHIPS:
                raise SheetRefused(SheetProblem.TOO_MANY_SHEETS, limit=MAX_SHEETS)
            self.sheets.append((composed(attributes["name"]), attributes["r:id"]))


class _Styles(Listener):
    """What each cell style shows."""

    def __init__(self, styles: list[Shows]) -> None:
        self._styles = styles
        self._codes: dict[int, str] = {}
        self._in_cells = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1
        if name == "numFmt":
            self._define(attributes)
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            number = int(attributes.get("numFmtId", "0"))
            self._styles.append(shows(number, self._codes.get(number)))
            _require(len(self._styles) <= MAX_FORMATS)

    def end(self, name: str) -> None:
        self.closed += 1
        if name == "cellXfs":
            self._in_cells = False

    def _define(self, attributes: Mapping[str, str]) -> None:
        # Formats of a chart or of a condition look alike but matter to no cell.
        if "numFmtId" in attributes:
            code = attributes.get("formatCode", "")
            _require(len(code) <= MAX_LENGTH and len(self._codes) < MAX_FORMATS)
            self._codes[int(attributes["numFmtId"])] = code


class _Texts(Listener):
    """Puts together the runs of a text, without the reading aids over it (注音)."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = 0  # characters that the text may still have
        self._room = 0  # the same while they are to be kept
        self._aids = 0

    def _begin(self) -> None:
        self._parts.clear()
        self._left = MAX_TEXT + 1

    def _open(self) -> None:
        if not self._aids:
            self._room = self._left

    def _close(self) -> None:
        if not self._aids:
            self._left, self._room = self._room, 0

    def text(self, data: str) -> None:
        self.characters += len(data)
        if self._room > 0:
            self._parts.append(data)
            self._room -= len(data)


class _Strings(_Texts):
    """The texts that cells refer to by number."""

    def __init__(self, strings: list[Content]) -> None:
        super().__init__()
        self._strings = strings

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1
        if name == "t":
            self._open()
        elif name == "si":
            self._begin()
        elif name == "rPh":
            self._aids += 1

    def end(self, name: str) -> None:
        self.closed += 1
        if name == "t":
            self._close()
        elif name == "si":
            self._strings.append(_text("".join(self._parts)))
            if len(self._strings) > MAX_STRINGS:
                raise SheetRefused(SheetProblem.TOO_LARGE)
        elif name == "rPh":
            self._aids -= 1


class _Cells(_Texts):
    """The rows and cells of one sheet."""

    def __init__(self, book: _Book, gathering: Gathering) -> None:
        super().__init__()
        self._strings, self._styles, self._is_1904 = book.strings, book.styles, book.is_1904
        self._gathering = gathering
        self._row = 0
        self._row_label = ""
        self._cells = RowCells()
        self._column = 0
        self._cell: Mapping[str, str] = {}
        self._is_formula = False
        self._has_value = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1
        if name == "c":
            self._cell = attributes
            self._is_formula = self._has_value = False
            self._parts.clear()
            self._left = MAX_TEXT + 1
        elif name == "v":
            self._has_value = True
            self._room = self._left
        elif name == "f":
            self._is_formula = True
        elif name == "t":
            self._open()
        elif name == "row":
            self._begin_row(attributes)
        elif name == "rPh":
            self._aids += 1

    def end(self, name: str) -> None:
        self.closed += 1
        if name == "v":
            self._left, self._room = self._room, 0
        elif name == "c":
            self._end_cell()
        elif name == "t":
            self._close()
        elif name == "row":
            self._gathering.add(self._row, self._cells)
        elif name == "rPh":
            self._aids -= 1

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        number = int(attributes.get("r", self._row + 1))
        _require(number > self._row)
        self._row, self._row_label = number, str(number)
        self._column = 0
        if self._cells.texts:
            self._cells = RowCells()

    def _end_cell(self) -> None:
        reference = self._cell.get("r")
        if reference is None:
            column = self._column + 1
        else:
            column = COLUMNS.get(reference.removesuffix(self._row_label)) or self._far(reference)
        _require(column > self._column)
        self._column = column
        if self._parts or self._is_formula or self._has_value:
            self._cells.put(column, self._content())

    def _far(self, reference: str) -> int:
        """Return the column of a cell to the right of what is read. Refuses one of another row."""
        match = CELL.fullmatch(reference)
        _require(match is not None and match[2] == self._row_label)
        return max(MAX_COLUMNS, self._column) + 1

    def _content(self) -> Content:
        text = "".join(self._parts)
        kind = self._cell.get("t", "n")
        if not text and kind not in ("str", "inlineStr", "e"):
            return self._none()
        if kind == "s":
            return self._shared(text)
        return self._number(text) if kind == "n" else self._other(kind, text)

    def _none(self) -> Content:
        return Bad.NO_CACHED_VALUE if self._is_formula else ""

    def _shared(self, text: str) -> Content:
        place = int(text)
        _require(place >= 0)
        return self._strings[place]

    def _number(self, text: str) -> Content:
        style = self._cell.get("s")
        look = self._styles[int(style)] if style and self._styles else Shows.NUMBER
        if look is Shows.NUMBER:
            return number_cell(text)
        if look is Shows.PERCENT:
            return percent_cell(text)
        return serial_cell(text, is_1904=self._is_1904, elapsed=look is Shows.ELAPSED)

    def _other(self, kind: str, text: str) -> Content:
        if kind == "e":
            return Bad.ERROR_VALUE
        if kind in ("str", "inlineStr"):
            return _text(text) if text or self._has_value else self._none()
        _require(kind in ("b", "d"))
        return moment_cell(text) if kind == "d" else _truth(text)


def _truth(text: str) -> str:
    return "TRUE" if text.strip() in ("1", "true") else "FALSE"


def _text(text: str) -> Content:
    """Return a text, with its control characters, which are written as _x000D_ and the like."""
    return text_cell(ESCAPED.sub(_unescaped, text) if "_x" in text else text)


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    never = character == "\0" or unicodedata.category(character) == "Cs"
    return match[0] if never else character


def _require(condition: bool) -> None:
    if not condition:
        raise SheetRefused(SheetProblem.MALFORMED)
