"""A table as XLSX, written row by row: memory does not grow with it.

Our own and small: the libraries take five to twenty times as long, most of it for what a table does not need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZipFile

from objectives.roc import taipei

from .csv_writing import Passage, Row
from .tables import Table, Value
from .text import harmless
from .values import Remembered
from .workbooks import (
    COVER,
    COVER_WIDTHS,
    add,
    archive,
    cover,
    is_typed,
    letters,
    quoted,
    sheet_name,
    sheets,
    width,
    xml_text,
)  # fmt: skip

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
CONTENT_TYPE = f"{KIND}.sheet"
LARGEST_SHEET = 1_900_000_000  # bytes; what comes near 2 GiB takes a kind of zip that Excel may refuse

DAY_ZERO = date(1899, 12, 30).toordinal()
FIRST_DAY = 61  # 1 March 1900: before it the program counts a 29 February, and so is a day off

# What Excel reads as one character where it stands in a text: _x003D_ is =.
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def _style(number_format: int, *, bold: int = 0, underlined: int = 0, wrapped: int = 0) -> str:
    return (
        f'<xf numFmtId="{number_format}" fontId="{bold}" fillId="0" borderId="{underlined}" xfId="0"'
        ' applyNumberFormat="1" applyFont="1" applyBorder="1" applyAlignment="1">'
        f'<alignment vertical="top" wrapText="{wrapped}"/></xf>'
    )


# Cell styles, by their place in cellXfs.
HEADING, LABEL, TEXT, NUMBER, WHOLE, DAY, MOMENT = range(1, 8)
_CELL_STYLES = "".join(
    (
        '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
        _style(0, bold=1, underlined=1, wrapped=1),
        _style(0, bold=1, wrapped=1),
        _style(0, wrapped=1),
        *(_style(number_format) for number_format in (0, 1, 164, 165)),
    )
)
_FONT = '<sz val="11"/><name val="Calibri"/><family val="2"/>'
_NO_FILL = '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
_NO_BORDER = "<border><left/><right/><top/><bottom/><diagonal/></border>"
_LINE_BELOW = '<border><left/><right/><top/><bottom style="thin"/><diagonal/></border>'
STYLES = (
    f'{HEAD}<styleSheet xmlns="{MAIN}">'
    r'<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/>'
    r'<numFmt numFmtId="165" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts>'
    f'<fonts count="2"><font>{_FONT}</font><font><b/>{_FONT}</font></fonts>'
    f'<fills count="2">{_NO_FILL}</fills>'
    f'<borders count="2">{_NO_BORDER}{_LINE_BELOW}</borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    f'<cellXfs count="8">{_CELL_STYLES}</cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
ROOT = (
    f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)


def write_xlsx(table: Table, file: IO[bytes]) -> None:
    """Write a table as a workbook: the cover «說明», then the data on as many sheets as they need.

    Numbers, days and moments are typed; of what was computed 15 digits are kept. A whole number that has
    more, and a day before March 1900, is text. Line breaks become LF; a text longer than a cell is cut, which
    its end shows.
    """
    passage = Passage(table)
    with archive(file) as book:
        lengths = _write_data(book, table, passage)
        _write_cover(book, cover(table, passage))
        names = [sheet_name(table.title, number) for number in range(1, len(lengths) + 1)]
        add(book, "xl/workbook.xml", _workbook(names, lengths, letters(len(table.columns) - 1)))
        add(book, "xl/_rels/workbook.xml.rels", _relations(len(names) + 1))
        add(book, "xl/styles.xml", STYLES)
        add(book, "_rels/.rels", ROOT)
        add(book, "[Content_Types].xml", _content_types(len(names) + 1))


def _write_data(book: ZipFile, table: Table, passage: Passage) -> list[int]:
    """Write the sheets of the data, from the second on; return how many rows each has below its header."""
    cells = Remembered(lambda value: _cell(value, passage.texts[value]))
    lengths: list[int] = []
    for part in sheets(passage.rows()):
        with book.open(_sheet_path(len(lengths) + 2), "w") as sheet:
            lengths.append(_write_sheet(sheet, table, part, cells, active=not lengths))
    return lengths


def _write_sheet(
    sheet: IO[bytes], table: Table, rows: Iterable[Row], cells: Remembered, *, active: bool
) -> int:
    places = [letters(index) for index in range(len(table.columns))]
    headers = [_text(harmless(column.header), HEADING) for column in table.columns]
    sheet.write(_sheet_start([width(column) for column in table.columns], frozen=True, active=active))
    sheet.write(_row(1, places, headers))
    number, size = 1, 0
    for number, row in enumerate(rows, start=2):
        size += sheet.write(_row(number, places, [cells[value] for value in row]))
        if size > LARGEST_SHEET:
            break  # what is left of the rows is on the next sheet
    sheet.write(_sheet_end(f"A1:{places[-1]}{number}"))
    return number - 1


def _write_cover(book: ZipFile, pairs: Sequence[tuple[str, str]]) -> None:
    with book.open(_sheet_path(1), "w") as sheet:
        sheet.write(_sheet_start(COVER_WIDTHS))
        for number, (heading, text) in enumerate(pairs, start=1):
            sheet.write(_row(number, "AB", [_text(heading, LABEL), _text(text)]))
        sheet.write(_sheet_end())


def _row(number: int, places: Sequence[str], cells: Sequence[str]) -> bytes:
    """Return a row of cells that lack only their beginning; an empty one is left out."""
    placed = [f'<c r="{place}{number}"{cell}' for place, cell in zip(places, cells, strict=True) if cell]
    return f'<row r="{number}">{"".join(placed)}</row>'.encode()


def _cell(value: Value, text: str) -> str:
    """Return a cell from behind its place on, «» for one that is empty."""
    if not text or value is None:
        return ""
    if isinstance(value, str):
        return _text(text)
    if isinstance(value, int | Decimal):
        return _number(NUMBER if "." in text else WHOLE, text) if is_typed(value, text) else _text(text)
    style, days = (MOMENT, _days(taipei(value))) if isinstance(value, datetime) else (DAY, _days(value))
    return _number(style, days) if days >= FIRST_DAY else _text(text)


def _days(day: date) -> float:
    """Return a day, or a moment to the second, in days as the program counts them."""
    whole = day.toordinal() - DAY_ZERO
    if not isinstance(day, datetime):
        return whole
    return whole + (day.hour * 3600 + day.minute * 60 + day.second) / 86_400


def _number(style: int, number: str | float) -> str:
    return f' s="{style}"><v>{number}</v></c>'


def _text(text: str, style: int = TEXT) -> str:
    held = xml_text(text)
    if "_x" in held:
        held = _ESCAPE.sub("_x005F_", held)
    return f' s="{style}" t="inlineStr"><is><t xml:space="preserve">{held}</t></is></c>'


def _sheet_path(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _sheet_start(widths: Sequence[int], *, frozen: bool = False, active: bool = False) -> bytes:
    """Return what comes before the rows; frozen: the first row stays where it is while one scrolls."""
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' if frozen else ""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{characters}" customWidth="1"/>'
        for number, characters in enumerate(widths, start=1)
    )
    return (
        f'{HEAD}<worksheet xmlns="{MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><sheetViews>'
        f'<sheetView tabSelected="{int(active)}" workbookViewId="0">{pane}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols><sheetData>'
    ).encode()


def _sheet_end(filtered: str = "") -> bytes:
    """Return what follows the rows: the filter over these cells, and print-outs as wide as a page (A4)."""
    filters = f'<autoFilter ref="{filtered}"/>' if filtered else ""
    return (
        f"</sheetData>{filters}"
        '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>'
    ).encode()


def _workbook(names: Sequence[str], lengths: Sequence[int], last: str) -> str:
    """Return the list of sheets, which opens at the first of the data."""
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate([COVER, *names], start=1)
    )
    defined = "".join(
        _defined_names(place, escape(quoted(name)), f"${last}${length + 1}")
        for place, (name, length) in enumerate(zip(names, lengths, strict=True), start=1)
    )
    return (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f'<bookViews><workbookView activeTab="1"/></bookViews><sheets>{listed}</sheets>'
        f"<definedNames>{defined}</definedNames></workbook>"
    )


def _defined_names(place: int, sheet: str, last: str) -> str:
    """Return a sheet's filter, and its header as what every printed page repeats."""
    return (
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{place}" hidden="1">{sheet}!$A$1:{last}'
        f'</definedName><definedName name="_xlnm.Print_Titles" localSheetId="{place}">{sheet}!$1:$1'
        "</definedName>"
    )


def _relations(count: int) -> str:
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, count + 1)
    )
    return (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{listed}'
        f'<Relationship Id="rId{count + 1}" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>'
    )


def _content_types(count: int) -> str:
    listed = "".join(
        f'<Override PartName="/{_sheet_path(number)}" ContentType="{KIND}.worksheet+xml"/>'
        for number in range(1, count + 1)
    )
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>{listed}'
        f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>'
    )
