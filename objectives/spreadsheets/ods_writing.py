"""A table as ODS (OpenDocument 1.2), written row by row: memory does not grow with it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZipInfo

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

CONTENT_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
NAMES = (
    f'xmlns:office="{_ODF}:office:1.0" xmlns:style="{_ODF}:style:1.0" xmlns:text="{_ODF}:text:1.0" '
    f'xmlns:table="{_ODF}:table:1.0" xmlns:number="{_ODF}:datastyle:1.0" xmlns:config="{_ODF}:config:1.0" '
    f'xmlns:fo="{_ODF}:xsl-fo-compatible:1.0" xmlns:ooo="http://openoffice.org/2004/office"'
    ' office:version="1.2"'
)
IN_MEMORY = 8 * 1024 * 1024  # bytes of rows; more of them wait in a temporary file
CENTIMETRES = 0.21  # of a character

_ENTRY = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'.format
MANIFEST = "".join(
    (
        f'{HEAD}<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0" manifest:version="1.2">',
        _ENTRY("/", CONTENT_TYPE),
        *(_ENTRY(name, "text/xml") for name in ("content.xml", "styles.xml", "settings.xml")),
        "</manifest:manifest>",
    )
)

# A4 across, as wide as a page and as many pages long as it takes.
STYLES = (
    f"{HEAD}<office:document-styles {NAMES}>"
    '<office:styles><style:style style:name="Default" style:family="table-cell"/></office:styles>'
    '<office:automatic-styles><style:page-layout style:name="page"><style:page-layout-properties'
    ' fo:page-width="29.7cm" fo:page-height="21cm" style:print-orientation="landscape" fo:margin="1.3cm"'
    ' style:scale-to-X="1" style:scale-to-Y="0"/></style:page-layout></office:automatic-styles>'
    '<office:master-styles><style:master-page style:name="Default" style:page-layout-name="page"/>'
    "</office:master-styles></office:document-styles>"
)


def _cell_style(name: str, properties: str, more: str = "", data_style: str = "") -> str:
    return (
        f'<style:style style:name="{name}" style:family="table-cell" style:parent-style-name="Default"'
        f'{data_style}><style:table-cell-properties style:vertical-align="top"{properties}/>{more}'
        "</style:style>"
    )


_WRAPPED = ' fo:wrap-option="wrap"'
_LINE_BELOW = ' fo:border-bottom="0.5pt solid #000000"'
_BOLD = '<style:text-properties fo:font-weight="bold" style:font-weight-asian="bold"/>'
_DASH, _COLON = "<number:text>-</number:text>", "<number:text>:</number:text>"
_YEAR, _MONTH, _DAY, _HOURS, _MINUTES, _SECONDS = (
    f'<number:{part} number:style="long"/>'
    for part in ("year", "month", "day", "hours", "minutes", "seconds")
)
_DATE = f"{_YEAR}{_DASH}{_MONTH}{_DASH}{_DAY}"
_TIME = f"{_HOURS}{_COLON}{_MINUTES}{_COLON}{_SECONDS}"
AUTOMATIC_STYLES = "".join(
    (
        f'<number:date-style style:name="N-day">{_DATE}</number:date-style>',
        f'<number:date-style style:name="N-moment">{_DATE}<number:text> </number:text>{_TIME}',
        "</number:date-style>",
        '<style:style style:name="sheet" style:family="table" style:master-page-name="Default">',
        '<style:table-properties table:display="true"/></style:style>',
        _cell_style("heading", f"{_WRAPPED}{_LINE_BELOW}", _BOLD),
        _cell_style("label", _WRAPPED, _BOLD),
        _cell_style("text", _WRAPPED),
        _cell_style("day", "", data_style=' style:data-style-name="N-day"'),
        _cell_style("moment", "", data_style=' style:data-style-name="N-moment"'),
    )
)

_LAID_OUT = re.compile(r"[\t\n]|  |^ | $")  # where blanks would be lost in a plain paragraph
_BLANKS = re.compile(" +")


def write_ods(table: Table, file: IO[bytes]) -> None:
    """Write a table as a workbook: the cover «說明», then the data on as many sheets as they need.

    Numbers, days and moments are typed; of what was computed 15 digits are kept, and a whole number that has
    more is text. Line breaks become LF; a text longer than a cell is cut, which its end shows. Rows wait in a
    temporary file until the cover, which comes before them, is known.
    """
    passage = Passage(table)
    with archive(file) as book, SpooledTemporaryFile(IN_MEMORY) as waiting:
        lengths = _write_data(waiting, table, passage)
        names = [sheet_name(table.title, number) for number in range(1, len(lengths) + 1)]
        book.writestr(ZipInfo("mimetype"), CONTENT_TYPE)  # the first, and not compressed
        with book.open("content.xml", "w") as content:
            content.write(_start(table, cover(table, passage)).encode())
            waiting.seek(0)
            shutil.copyfileobj(waiting, content)
            content.write(_end(names, lengths, letters(len(table.columns) - 1)).encode())
        add(book, "styles.xml", STYLES)
        add(book, "settings.xml", _settings(names))
        add(book, "META-INF/manifest.xml", MANIFEST)


def _write_data(file: IO[bytes], table: Table, passage: Passage) -> list[int]:
    """Write the sheets of the data; return how many rows each has below its header."""
    header = _row([_text(harmless(column.header), "heading") for column in table.columns])
    cells = Remembered(lambda value: _cell(value, passage.texts[value]))
    lengths: list[int] = []
    for part in sheets(passage.rows()):
        start = _sheet_start(sheet_name(table.title, len(lengths) + 1), "column", len(table.columns))
        file.write(f"{start}<table:table-header-rows>{header}</table:table-header-rows>".encode())
        lengths.append(_write_rows(file, part, cells))
        file.write(b"</table:table>")
    return lengths


def _write_rows(file: IO[bytes], rows: Iterable[Row], cells: Remembered) -> int:
    number = 0
    for number, row in enumerate(rows, start=1):  # noqa: B007 the last one is how many there are
        file.write(_row([cells[value] for value in row]).encode())
    return number


def _row(cells: list[str]) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def _cell(value: Value, text: str) -> str:
    if not text or value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        return _text(text)
    if isinstance(value, int | Decimal):
        return _number(text) if is_typed(value, text) else _text(text)
    return _date(text)


def _number(text: str) -> str:
    return _typed(f'office:value-type="float" office:value="{text}"', text)


def _date(text: str) -> str:
    """Return a day or a moment, in ISO 8601; a cell knows no time zone."""
    style, value = "moment" if "T" in text else "day", text[:19]
    attributes = f'table:style-name="{style}" office:value-type="date" office:date-value="{value}"'
    return _typed(attributes, value.replace("T", " "))


def _typed(attributes: str, shown: str) -> str:
    return f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"


def _text(text: str, style: str = "text") -> str:
    """Return a cell of text; «text» is the style of every column and need not be named."""
    held = xml_text(text)
    named = f' table:style-name="{style}"' if style != "text" else ""
    whole = f" office:string-value={_attribute(held)}" if "\t" in held else ""  # some programs lose a tab
    return f'<table:table-cell{named} office:value-type="string"{whole}>{paragraphs(held)}</table:table-cell>'


def _attribute(held: str) -> str:
    return '"{}"'.format(held.replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;"))


def paragraphs(held: str) -> str:
    """Return one for each line; XML keeps no tab, no blank at an end and only one in the middle."""
    if not _LAID_OUT.search(held):
        return f"<text:p>{held}</text:p>"
    laid_out = _BLANKS.sub(lambda found: f'<text:s text:c="{len(found[0])}"/>', held)
    lines = laid_out.replace("\t", "<text:tab/>").split("\n")
    return "".join(f"<text:p>{line}</text:p>" for line in lines)


def _start(table: Table, pairs: Sequence[tuple[str, str]]) -> str:
    """Return what comes before the data: the styles and the cover."""
    rows = "".join(_row([_text(heading, "label"), _text(text)]) for heading, text in pairs)
    return (
        f"{HEAD}<office:document-content {NAMES}><office:automatic-styles>{_column_styles(table)}"
        f"{AUTOMATIC_STYLES}</office:automatic-styles><office:body><office:spreadsheet>"
        f"{_sheet_start(COVER, 'cover', len(COVER_WIDTHS))}{rows}</table:table>"
    )


def _column_styles(table: Table) -> str:
    widths = {f"column{index}": width(column) for index, column in enumerate(table.columns)}
    widths |= {f"cover{index}": characters for index, characters in enumerate(COVER_WIDTHS)}
    return "".join(
        f'<style:style style:name="{name}" style:family="table-column"><style:table-column-properties'
        f' style:column-width="{characters * CENTIMETRES:.2f}cm"/></style:style>'
        for name, characters in widths.items()
    )


def _sheet_start(name: str, column: str, count: int) -> str:
    """Return what comes before the rows; the columns' styles are those named column0, column1, … or so."""
    columns = "".join(
        f'<table:table-column table:style-name="{column}{index}" table:default-cell-style-name="text"/>'
        for index in range(count)
    )
    return f'<table:table table:name={quoteattr(name)} table:style-name="sheet">{columns}'


def _end(names: Sequence[str], lengths: Sequence[int], last: str) -> str:
    """Return what follows the data: a filter over each sheet of them."""
    ranges = "".join(
        f'<table:database-range table:name="__Anonymous_Sheet_DB__{place}" '
        f"table:target-range-address={quoteattr(_range(name, f'{last}{length + 1}'))} "
        'table:display-filter-buttons="true"/>'
        for place, (name, length) in enumerate(zip(names, lengths, strict=True), start=1)
    )
    return (
        f"<table:database-ranges>{ranges}</table:database-ranges>"
        "</office:spreadsheet></office:body></office:document-content>"
    )


def _range(name: str, last: str) -> str:
    return f"{quoted(name)}.A1:{quoted(name)}.{last}"


def _settings(names: Sequence[str]) -> str:
    """Return how the workbook opens: at the data, whose header stays where it is while one scrolls."""
    frozen = "".join(
        (
            _item("VerticalSplitMode", "short", "2"),
            _item("VerticalSplitPosition", "int", "1"),
            _item("ActiveSplitRange", "short", "2"),
            _item("PositionBottom", "int", "1"),
            _item("CursorPositionY", "int", "1"),
        )
    )
    tables = "".join(
        f"<config:config-item-map-entry config:name={quoteattr(name)}>{frozen}</config:config-item-map-entry>"
        for name in names
    )
    return (
        f"{HEAD}<office:document-settings {NAMES}><office:settings>"
        '<config:config-item-set config:name="ooo:view-settings">'
        '<config:config-item-map-indexed config:name="Views"><config:config-item-map-entry>'
        f"{_item('ViewId', 'string', 'view1')}"
        f'<config:config-item-map-named config:name="Tables">{tables}</config:config-item-map-named>'
        f"{_item('ActiveTable', 'string', escape(names[0]))}"
        "</config:config-item-map-entry></config:config-item-map-indexed></config:config-item-set>"
        "</office:settings></office:document-settings>"
    )


def _item(name: str, kind: str, value: str) -> str:
    return f'<config:config-item config:name="{name}" config:type="{kind}">{value}</config:config-item>'
