"""A table as ODS (OpenDocument 1.2), written row by row: memory does not grow with it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZipInfo

from objectives.roc import taipei

from .csv_writing import Passage, Row, Texts
from .sheets import COVER, add, archive, cover, is_typed, letters, sheet_name, sheets, width, xml_text
from .tables import Kind, Table, Value
from .text import harmless

CONTENT_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_NAMES = (
    f'xmlns:office="{_ODF}:office:1.0" xmlns:style="{_ODF}:style:1.0" xmlns:text="{_ODF}:text:1.0" '
    f'xmlns:table="{_ODF}:table:1.0" xmlns:number="{_ODF}:datastyle:1.0" xmlns:config="{_ODF}:config:1.0" '
    f'xmlns:fo="{_ODF}:xsl-fo-compatible:1.0" office:version="1.2"'
)
IN_MEMORY = 8 * 1024 * 1024  # bytes of rows; more of them wait in a temporary file
CENTIMETRES = 0.21  # of a character

MANIFEST = f"""{HEAD}<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0" manifest:version="1.2">\
<manifest:file-entry manifest:full-path="/" manifest:version="1.2" manifest:media-type="{CONTENT_TYPE}"/>\
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>\
<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>\
<manifest:file-entry manifest:full-path="settings.xml" manifest:media-type="text/xml"/></manifest:manifest>"""

# A4 across, as wide as a page and as many pages long as it takes.
STYLES = f"""{HEAD}<office:document-styles {_NAMES}><office:styles>\
<style:style style:name="Default" style:family="table-cell"/></office:styles><office:automatic-styles>\
<style:page-layout style:name="page"><style:page-layout-properties fo:page-width="29.7cm" fo:page-height="21cm" \
style:print-orientation="landscape" fo:margin="1.3cm" style:scale-to-X="1" style:scale-to-Y="0"/>\
</style:page-layout></office:automatic-styles><office:master-styles>\
<style:master-page style:name="Default" style:page-layout-name="page"/></office:master-styles>\
</office:document-styles>"""

_TOP = 'style:vertical-align="top"'
_WRAPPED = f'<style:table-cell-properties {_TOP} fo:wrap-option="wrap"/>'
_DASH, _COLON = "<number:text>-</number:text>", "<number:text>:</number:text>"
_YMD = (
    f'<number:year number:style="long"/>{_DASH}<number:month number:style="long"/>{_DASH}'
    '<number:day number:style="long"/>'
)
_HMS = (
    f'<number:text> </number:text><number:hours number:style="long"/>{_COLON}<number:minutes number:style="long"/>'
    f'{_COLON}<number:seconds number:style="long"/>'
)
CELL_STYLES = f"""\
<number:number-style style:name="N-number"><number:number number:min-integer-digits="1"/></number:number-style>\
<number:date-style style:name="N-day">{_YMD}</number:date-style>\
<number:date-style style:name="N-moment">{_YMD}{_HMS}</number:date-style>\
<style:style style:name="sheet" style:family="table" style:master-page-name="Default">\
<style:table-properties table:display="true"/></style:style>\
<style:style style:name="row" style:family="table-row">\
<style:table-row-properties style:use-optimal-row-height="true"/></style:style>\
<style:style style:name="heading" style:family="table-cell" style:parent-style-name="Default">\
<style:table-cell-properties {_TOP} fo:wrap-option="wrap" fo:border-bottom="0.5pt solid #000000"/>\
<style:text-properties fo:font-weight="bold" style:font-weight-asian="bold"/></style:style>\
<style:style style:name="text" style:family="table-cell" style:parent-style-name="Default">{_WRAPPED}</style:style>\
<style:style style:name="day" style:family="table-cell" style:parent-style-name="Default" \
style:data-style-name="N-day"><style:table-cell-properties {_TOP}/></style:style>\
<style:style style:name="moment" style:family="table-cell" style:parent-style-name="Default" \
style:data-style-name="N-moment"><style:table-cell-properties {_TOP}/></style:style>"""

_EMPTY = "<table:table-cell/>"
_LAID_OUT = re.compile(r"[\t\n]|  |^ | $")  # where blanks would be lost in a plain paragraph
_BLANKS = re.compile(" +")


def write_ods(table: Table, file: IO[bytes]) -> None:
    """Write a table as a workbook: the cover «說明», then the data on as many sheets as they need.

    Numbers, days and moments are typed; of a computed number 15 digits are kept. A text longer than a
    cell is cut, which its end shows. Rows wait in a temporary file until the cover before them is known.
    """
    passage = Passage(table)
    with archive(file) as book, SpooledTemporaryFile(IN_MEMORY) as waiting:
        book.writestr(ZipInfo("mimetype"), CONTENT_TYPE)  # the first, and not compressed
        lengths = _write_data(waiting, table, passage)
        names = [sheet_name(table.title, number + 1) for number in range(len(lengths))]
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
    lengths: list[int] = []
    for rows in sheets(passage.rows()):
        start = _sheet_start(sheet_name(table.title, len(lengths) + 1), _data_columns(table))
        repeated = f"<table:table-header-rows>{header}</table:table-header-rows>"
        file.write(f"{start}{repeated}".encode())
        lengths.append(_write_rows(file, rows))
        file.write(b"</table:table>")
    return lengths


def _write_rows(file: IO[bytes], rows: Iterable[tuple[Row, Texts]]) -> int:
    number = 0
    for number, (row, texts) in enumerate(rows, start=1):
        file.write(_row([_cell(value, text) for value, text in zip(row, texts, strict=True)]).encode())
    return number


def _row(cells: list[str]) -> str:
    return f'<table:table-row table:style-name="row">{"".join(cells)}</table:table-row>'


def _cell(value: Value, text: str) -> str:
    if not text:
        return _EMPTY
    if isinstance(value, str):
        return _text(text)
    if isinstance(value, (int, Decimal)):
        return _number(text) if is_typed(value, text) else _text(text)
    return _date(value) if value is not None else _EMPTY


def _number(text: str) -> str:
    return f'<table:table-cell office:value-type="float" office:value="{text}"><text:p>{text}</text:p></table:table-cell>'


def _date(day: date) -> str:
    if isinstance(day, datetime):
        style, value = "moment", taipei(day).replace(tzinfo=None).isoformat(timespec="seconds")
    else:
        style, value = "day", day.isoformat()
    return (
        f'<table:table-cell table:style-name="{style}" office:value-type="date" office:date-value="{value}">'
        f"<text:p>{value.replace('T', ' ')}</text:p></table:table-cell>"
    )


def _text(text: str, style: str = "") -> str:
    named = f' table:style-name="{style}"' if style else ""
    return f'<table:table-cell{named} office:value-type="string">{_paragraphs(xml_text(text))}</table:table-cell>'


def _paragraphs(text: str) -> str:
    """Return one for each line; XML keeps no tab, no blank at an end and only one in the middle."""
    if not _LAID_OUT.search(text):
        return f"<text:p>{text}</text:p>"
    laid_out = _BLANKS.sub(lambda found: f'<text:s text:c="{len(found[0])}"/>', text)
    lines = laid_out.replace("\t", "<text:tab/>").split("\n")
    return "".join(f"<text:p>{line}</text:p>" for line in lines)


def _start(table: Table, pairs: Sequence[tuple[str, str]]) -> str:
    """Return what comes before the data: the styles and the cover."""
    widths = {
        **{f"column{index}": width(column) for index, column in enumerate(table.columns)},
        "cover0": 20,
        "cover1": 80,
    }
    columns = "".join(
        f'<style:style style:name="{name}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{characters * CENTIMETRES:.2f}cm"/></style:style>'
        for name, characters in widths.items()
    )
    rows = "".join(_row([_text(heading), _text(text)]) for heading, text in pairs)
    start = _sheet_start(COVER, [("cover0", "heading"), ("cover1", "text")])
    return (
        f"{HEAD}<office:document-content {_NAMES}><office:automatic-styles>{columns}{CELL_STYLES}"
        f"</office:automatic-styles><office:body><office:spreadsheet>{start}{rows}</table:table>"
    )


def _data_columns(table: Table) -> list[tuple[str, str]]:
    plain = {Kind.DAY: "day", Kind.MOMENT: "moment"}
    return [(f"column{index}", plain.get(column.kind, "text")) for index, column in enumerate(table.columns)]


def _sheet_start(name: str, columns: Sequence[tuple[str, str]]) -> str:
    """Return what comes before the rows; of each column the style of itself and of its cells."""
    described = "".join(
        f'<table:table-column table:style-name="{column}" table:default-cell-style-name="{cell}"/>'
        for column, cell in columns
    )
    return f'<table:table table:name={quoteattr(name)} table:style-name="sheet">{described}'


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
    quoted = "'{}'".format(name.replace("'", "''"))
    return f"{quoted}.A1:{quoted}.{last}"


def _settings(names: Sequence[str]) -> str:
    """Return how the workbook opens: at the data, whose header stays where it is while one scrolls."""
    frozen = "".join(
        f'<config:config-item config:name="{name}" config:type="{kind}">{value}</config:config-item>'
        for name, kind, value in (
            ("VerticalSplitMode", "short", 2),
            ("VerticalSplitPosition", "int", 1),
            ("ActiveSplitRange", "short", 2),
            ("PositionBottom", "int", 1),
            ("CursorPositionY", "int", 1),
        )
    )
    views = "".join(
        f"<config:config-item-map-entry config:name={quoteattr(name)}>{frozen}</config:config-item-map-entry>"
        for name in names
    )
    return (
        f"{HEAD}<office:document-settings {_NAMES}><office:settings>"
        '<config:config-item-set config:name="ooo:view-settings"><config:config-item-map-indexed config:name="Views">'
        '<config:config-item-map-entry><config:config-item config:name="ViewId" config:type="string">view1'
        f'</config:config-item><config:config-item-map-named config:name="Tables">{views}'
        '</config:config-item-map-named><config:config-item config:name="ActiveTable" config:type="string">'
        f"{escape(names[0])}</config:config-item></config:config-item-map-entry></config:config-item-map-indexed>"
        "</config:config-item-set></office:settings></office:document-settings>"
    )
