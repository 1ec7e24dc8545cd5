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

from .csv_writing import Passage, Row, Texts
from .sheets import COVER, add, archive, cover, is_typed, letters, sheet_name, sheets, width, xml_text
from .tables import Table, Value
from .text import harmless

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
CONTENT_TYPE = f"{KIND}.sheet"

DAY_ZERO = date(1899, 12, 30)
FIRST_DAY = date(1900, 3, 1)  # before it Excel's count of days, which has a 29 February 1900, is a day off

# Cell styles, by their place in cellXfs.
HEADING, TEXT, NUMBER, WHOLE, DAY, MOMENT = range(1, 7)
_TOP = '<alignment vertical="top"/>'
_WRAPPED = '<alignment vertical="top" wrapText="1"/>'
STYLES = f"""{HEAD}<styleSheet xmlns="{MAIN}">\
<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>\
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>\
<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>\
<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>\
</fills><borders count="2"><border><left/><right/><top/><bottom/><diagonal/></border>\
<border><left/><right/><top/><bottom style="thin"/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="7"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="0" fontId="1" fillId="0" borderId="1" xfId="0" applyFont="1" applyBorder="1" applyAlignment="1">\
{_WRAPPED}</xf>\
<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1">{_WRAPPED}</xf>\
<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1">{_TOP}</xf>\
<xf numFmtId="1" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">{_TOP}</xf>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">{_TOP}</xf>\
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1">{_TOP}</xf>\
</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"""

ROOT = f"""{HEAD}<Relationships xmlns="{PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>"""

# What Excel reads as one character where it stands in a text: _x003D_ is =.
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def write_xlsx(table: Table, file: IO[bytes]) -> None:
    """Write a table as a workbook: the cover «說明», then the data on as many sheets as they need.

    Numbers, days and moments are typed; of a computed number 15 digits are kept, and a day before March
    1900 is text. A text longer than a cell is cut, which its end shows.
    """
    passage = Passage(table)
    with archive(file) as book:
        lengths = _write_data(book, table, passage)
        _write_cover(book, cover(table, passage))
        names = [COVER, *(sheet_name(table.title, number + 1) for number in range(len(lengths)))]
        add(book, "xl/workbook.xml", _workbook(names, lengths, letters(len(table.columns) - 1)))
        add(book, "xl/_rels/workbook.xml.rels", _relations(len(names)))
        add(book, "xl/styles.xml", STYLES)
        add(book, "_rels/.rels", ROOT)
        add(book, "[Content_Types].xml", _content_types(len(names)))


def _write_data(book: ZipFile, table: Table, passage: Passage) -> list[int]:
    """Write the sheets of the data, from the second on; return how many rows each has below its header."""
    lengths: list[int] = []
    for rows in sheets(passage.rows()):
        with book.open(_sheet_path(len(lengths) + 2), "w") as sheet:
            lengths.append(_write_sheet(sheet, table, rows, active=not lengths))
    return lengths


def _write_sheet(sheet: IO[bytes], table: Table, rows: Iterable[tuple[Row, Texts]], *, active: bool) -> int:
    columns = [letters(index) for index in range(len(table.columns))]
    sheet.write(
        _sheet_start([width(column) for column in table.columns], frozen=True, active=active).encode()
    )
    headers = [harmless(column.header) for column in table.columns]
    sheet.write(
        _row(1, [_text(f"{letter}1", text, HEADING) for letter, text in zip(columns, headers, strict=True)])
    )
    number = 1
    for number, (row, texts) in enumerate(rows, start=2):
        cells = zip(columns, row, texts, strict=True)
        sheet.write(_row(number, [_cell(f"{letter}{number}", *cell) for letter, *cell in cells]))
    sheet.write(_sheet_end(f"A1:{columns[-1]}{number}").encode())
    return number - 1


def _write_cover(book: ZipFile, pairs: Sequence[tuple[str, str]]) -> None:
    with book.open(_sheet_path(1), "w") as sheet:
        sheet.write(_sheet_start([20, 80]).encode())
        for number, (heading, text) in enumerate(pairs, start=1):
            sheet.write(_row(number, [_text(f"A{number}", heading, HEADING), _text(f"B{number}", text)]))
        sheet.write(_sheet_end().encode())


def _row(number: int, cells: list[str]) -> bytes:
    return f'<row r="{number}">{"".join(cells)}</row>'.encode()


def _cell(place: str, value: Value, text: str) -> str:
    """Return a cell; what is empty has none."""
    if not text:
        return ""
    if isinstance(value, str):
        return _text(place, text)
    if isinstance(value, (int, Decimal)):
        if not is_typed(value, text):
            return _text(place, text)
        return f'<c r="{place}" s="{NUMBER if "." in text else WHOLE}"><v>{text}</v></c>'
    return _date(place, value, text) if value is not None else ""


def _date(place: str, day: date, text: str) -> str:
    if isinstance(day, datetime):
        moment = taipei(day)
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        return f'<c r="{place}" s="{MOMENT}"><v>{(moment.date() - DAY_ZERO).days + seconds / 86_400}</v></c>'
    if day < FIRST_DAY:
        return _text(place, text)
    return f'<c r="{place}" s="{DAY}"><v>{(day - DAY_ZERO).days}</v></c>'


def _text(place: str, text: str, style: int = TEXT) -> str:
    held = _ESCAPE.sub("_x005F_", xml_text(text)) if "_x" in text else xml_text(text)
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{held}</t></is></c>'


def _sheet_path(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _sheet_start(widths: Sequence[int], *, frozen: bool = False, active: bool = False) -> str:
    """Return what comes before the rows; frozen: the first row stays where it is while one scrolls."""
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' if frozen else ""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )
    return (
        f'{HEAD}<worksheet xmlns="{MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView tabSelected="{int(active)}" workbookViewId="0">{pane}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols><sheetData>'
    )


def _sheet_end(filtered: str = "") -> str:
    """Return what follows the rows: the filter over these cells, and print-outs as wide as a page."""
    filters = f'<autoFilter ref="{filtered}"/>' if filtered else ""
    return (
        f"</sheetData>{filters}"
        '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/></worksheet>'
    )


def _workbook(names: Sequence[str], lengths: Sequence[int], last: str) -> str:
    """Return the list of sheets, which opens at the second, with the header repeated on every printed page."""
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    titles, filters = [], []
    for place, (name, length) in enumerate(zip(names[1:], lengths, strict=True), start=1):
        quoted = escape("'{}'".format(name.replace("'", "''")))
        titles.append(_defined("_xlnm.Print_Titles", place, f"{quoted}!$1:$1"))
        filters.append(
            _defined("_xlnm._FilterDatabase", place, f"{quoted}!$A$1:${last}${length + 1}", ' hidden="1"')
        )
    return (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><bookViews><workbookView activeTab="1"/></bookViews>'
        f"<sheets>{sheets}</sheets><definedNames>{''.join(filters + titles)}</definedNames></workbook>"
    )


def _defined(name: str, place: int, target: str, more: str = "") -> str:
    return f'<definedName name="{name}" localSheetId="{place}"{more}>{target}</definedName>'


def _relations(count: int) -> str:
    sheets = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, count + 1)
    )
    return (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{sheets}'
        f'<Relationship Id="rId{count + 1}" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>'
    )


def _content_types(count: int) -> str:
    sheets = "".join(
        f'<Override PartName="/{_sheet_path(number)}" ContentType="{KIND}.worksheet+xml"/>'
        for number in range(1, count + 1)
    )
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>{sheets}'
        f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/></Types>'
    )
